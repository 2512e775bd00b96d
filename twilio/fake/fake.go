package fake

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A new fake has these resources and two phone numbers. The SIDs are those of the
// API documentation's examples, so those examples work without changes.
const (
	AccountSid          = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	ServiceSid          = "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	SessionSid          = "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	ParticipantSid      = "KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	OtherParticipantSid = "KPbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// DefaultAuthToken signs callbacks when no account credentials are configured.
const DefaultAuthToken = "fa4e0000000000000000000000000000"

// A Credential is one accepted user and password of Basic auth: an account SID
// with its auth token, or an API key SID (SK…) with its secret.
type Credential struct{ Username, Password string }

// A Config says how a Fake behaves. The zero value works.
type Config struct {
	Credentials  []Credential     // the accepted ones; empty = any username but an empty one
	Now          func() time.Time // the settable clock starts from it; nil = time.Now
	QueuedFor    time.Duration    // how long a new message stays queued; 0 = it is created as sent
	SentFor      time.Duration    // how long it then stays sent; 0 = two seconds, negative = not at all
	RateLimit    bool             // enforce 30 requests a second per operation and service
	MaxPageSize  int              // most records on a page of a list, whatever PageSize asks for; 0 = 100, negative = 1,000
	KeepRequests int              // how many recorded requests are kept; 0 = 1,000
	KeepBytes    int              // how many bytes of messages are kept, and half as many each of recorded requests and of waiting callbacks; 0 = 16 MiB
	MaxRecords   int              // the most services, phone numbers, sessions and participants together; 0 = 100,000
	Log          *slog.Logger     // gets errors that no API answer can report; nil = slog.Default()
	Page         http.Handler     // answers all paths outside /v1 and /_fake/, such as /; nil = 404
}

// A Fake is the Proxy API in memory. It is an http.Handler, safe for concurrent
// use. Create it with New and end it with Close.
type Fake struct {
	config     Config
	operations []operation
	magic      map[string]*life // by participant identifier
	control    *http.ServeMux

	mu        sync.Mutex
	clock     clock
	world     *world
	accepted  int // messages created through the API since the start or reset
	faults    []Fault
	requests  recorder
	limits    rateLimits
	feed      feed
	schedule  schedule
	file      stateFile
	seed      []byte // the document that Reset loads; nil = the default state
	closed    chan struct{}
	closeOnce sync.Once
	callbacks callbacks
}

// New returns a Fake with the documentation's service, session and participants.
func New(config Config) *Fake {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.SentFor == 0 {
		config.SentFor = 2 * time.Second
	}
	config.QueuedFor, config.SentFor = max(config.QueuedFor, 0), max(config.SentFor, 0)
	if config.MaxPageSize == 0 {
		config.MaxPageSize = defaultMaxPageSize
	} else if config.MaxPageSize < 0 {
		config.MaxPageSize = largestPageSize
	}
	if config.KeepRequests <= 0 {
		config.KeepRequests = 1000
	}
	if config.KeepBytes <= 0 {
		config.KeepBytes = defaultKeepBytes
	}
	if config.MaxRecords <= 0 {
		config.MaxRecords = defaultMaxRecords
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	f := &Fake{
		config:     config,
		operations: operations(),
		magic:      magicLives(),
		clock:      clock{base: config.Now},
		closed:     make(chan struct{}),
		callbacks:  callbacks{timeout: callbackTimeout},
	}
	f.control = f.controlRoutes()
	f.limits.on = config.RateLimit
	f.requests.keep, f.requests.keepBytes = config.KeepRequests, config.KeepBytes/2
	f.world = f.newWorld()
	f.world.addDefaults(f.clock.now())
	return f
}

// Close ends hanging answers and event feeds. It waits for running callbacks, and
// writes the state file a last time. It returns the error of that write.
func (f *Fake) Close() error {
	f.closeOnce.Do(func() { close(f.closed) })
	f.mu.Lock()
	f.schedule.stop()
	f.mu.Unlock()
	f.callbacks.done.Wait()
	return f.file.close(f)
}

// ServeHTTP answers the API under /v1 and the control interface under /_fake/.
// Config.Page answers all other paths.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/_fake" || strings.HasPrefix(path, "/_fake/"):
		f.serveControl(w, r)
	case f.config.Page != nil && path != "/v1" && !strings.HasPrefix(path, "/v1/"):
		f.config.Page.ServeHTTP(w, r)
	default:
		f.serveAPI(w, r)
	}
}

// Reset deletes all resources, requests, counts, faults and clock settings. It
// then loads the seed, or the default state if there is none.
func (f *Fake) Reset() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = clock{base: f.config.Now}
	f.accepted, f.faults = 0, nil
	f.requests.forget()
	f.limits.forget()
	f.schedule.due = nil
	if f.seed == nil {
		f.world = f.newWorld()
		f.world.addDefaults(f.clock.now())
	} else if err := f.load(f.seed); err != nil {
		return err
	}
	f.changed()
	f.feed.publish(Event{Type: "reset"})
	return nil
}

// Accepted returns how many messages were created through the API since the start
// or the last reset. It counts messages whose answers did not arrive, too.
func (f *Fake) Accepted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accepted
}

// changed makes sure that the state file is written soon. The caller holds the
// lock.
func (f *Fake) changed() { f.file.markDirty(f) }
