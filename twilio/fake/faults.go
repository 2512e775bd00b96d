package fake

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// An Effect is what a fault does to a call. "Accepted" below means that the
// operation is carried out: a message is created and can be read back.
type Effect string

// The effects. Those that end in After accept the call first.
const (
	EffectStatus     Effect = "status"      // not accepted; answers Status with Code and Message
	EffectDelay      Effect = "delay"       // accepted at once, answered after Delay
	EffectDropBefore Effect = "drop-before" // not accepted; the connection is closed
	EffectDropAfter  Effect = "drop-after"  // accepted; the connection is closed without an answer
	EffectTruncate   Effect = "truncate"    // accepted; half of the answer's body arrives, then the connection is closed
	EffectHTML       Effect = "html"        // answers an HTML page with Status (0 = 502), as a proxy in between does; accepted if that is a 2xx
	EffectPortal     Effect = "portal"      // not accepted; answers a login page with Status (0 = 200) and no header of the API, as a network in between does
	EffectSwap       Effect = "swap"        // accepted; answers as if about others: with other SIDs and another text
	EffectErrorAfter Effect = "error-after" // accepted, but answers Status (0 = 500)
	EffectHang       Effect = "hang"        // not accepted; no answer until the client leaves or the fake closes
	EffectHangAfter  Effect = "hang-after"  // accepted; then no answer, like hang
)

func effects() []Effect {
	return []Effect{EffectStatus, EffectDelay, EffectDropBefore, EffectDropAfter, EffectTruncate,
		EffectHTML, EffectPortal, EffectSwap, EffectErrorAfter, EffectHang, EffectHangAfter}
}

// A Fault changes the answers to the next Times calls of an operation. Faults are
// never random: a call uses up the first armed fault that fits it.
type Fault struct {
	Operation string            `json:"operation"`         // an operation id of the OpenAPI description, "" = any
	Effect    Effect            `json:"effect"`            // what happens
	Times     int               `json:"times,omitempty"`   // how many more calls it applies to; 0 = one
	Status    int               `json:"status,omitempty"`  // HTTP status, 200 to 599
	Code      int               `json:"code,omitempty"`    // Twilio's error code; 0 = none in the body
	Message   string            `json:"message,omitempty"` // "" = the status's own text
	Delay     Duration          `json:"delay,omitempty"`   // in real time, not by the settable clock
	Header    map[string]string `json:"header,omitempty"`  // additional response headers, such as Retry-After
}

// Arm adds faults after those that are already armed. It refuses all of them if
// one of them is invalid, for example because of an unknown operation or effect.
func (f *Fake) Arm(faults ...Fault) error {
	faults = slices.Clone(faults)
	for i := range faults {
		if err := f.completeFault(&faults[i]); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
	f.faultsChanged()
	return nil
}

// SetFaults replaces the armed faults. It fails like Arm, and then changes nothing.
func (f *Fake) SetFaults(faults ...Fault) error {
	faults = slices.Clone(faults)
	for i := range faults {
		if err := f.completeFault(&faults[i]); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
	f.faultsChanged()
	return nil
}

// Faults returns the armed faults. Times is how many calls are left.
func (f *Fake) Faults() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.faults)
}

func (f *Fake) completeFault(fault *Fault) error {
	isOperation := fault.Operation == "" || slices.ContainsFunc(f.operations, func(op operation) bool { return op.id == fault.Operation })
	if !isOperation {
		return fmt.Errorf("unknown operation %q: use an operation id of the OpenAPI description, such as CreateMessageInteraction", fault.Operation)
	}
	if !slices.Contains(effects(), fault.Effect) {
		return fmt.Errorf("unknown effect %q: use one of %v", fault.Effect, effects())
	}
	if fault.Status == 0 {
		fault.Status = http.StatusInternalServerError
		switch fault.Effect {
		case EffectHTML:
			fault.Status = http.StatusBadGateway
		case EffectPortal:
			fault.Status = http.StatusOK
		}
	}
	if fault.Status < 200 || fault.Status > 599 {
		return fmt.Errorf("status %d is not one from 200 to 599", fault.Status)
	}
	if fault.Times < 0 || fault.Delay < 0 {
		return fmt.Errorf("times and delay cannot be negative")
	}
	fault.Times = max(fault.Times, 1)
	return nil
}

// takeFault returns the first fault that fits the operation and counts it down. It
// returns nil if none fits.
func (f *Fake) takeFault(operation string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.faults {
		if f.faults[i].Operation != "" && f.faults[i].Operation != operation {
			continue
		}
		taken := f.faults[i]
		if f.faults[i].Times--; f.faults[i].Times == 0 {
			f.faults = slices.Delete(slices.Clone(f.faults), i, i+1)
		}
		f.faultsChanged()
		return &taken
	}
	return nil
}

func (f *Fake) faultsChanged() {
	f.feed.publish(Event{Type: "faults", Data: slices.Clone(f.faults)})
}

// A Duration is written in JSON as in Go, "1.5s". It is read from that or from a
// number of seconds.
type Duration time.Duration
