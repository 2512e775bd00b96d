// Package fake is Twilio's Proxy API in memory. It has all 25 operations, keeps state between calls, produces faults on
// demand, and has a clock that tests can set.
//
//	f := fake.New(fake.Config{})
//	defer f.Close()
//	http.ListenAndServe("127.0.0.1:4010", f)
//
// It starts with one service, one session and two participants, which have the SIDs of the API documentation's examples.
// In every SID that the fake makes itself, the two letters are followed by fa4e. Nobody is ever texted.
//
// # Message life
//
// A message is queued for Config.QueuedFor, then sent for Config.SentFor, then delivered. QueuedFor is zero by default,
// so a new message has the status "sent", as in the documented example. (In Twilio's Messaging API, messages begin as
// "queued".) With a longer QueuedFor, a new message has the status "queued". Messages to these participant identifiers
// end differently:
//
//	+15550000001            stays queued
//	+15550000002            stays sent
//	+1555003000N, N = 1, 2  failed with error code 3000N
//	+1555003000N, N = 3-8   undelivered with error code 3000N
//
// The API has no field for an error code. It appears in the callback (errorCode), the event feed and the control
// interface.
//
// # Control
//
// The control interface is under /_fake/. It answers only loopback addresses and needs no credentials. It refuses the
// fake's own callbacks. Bodies are JSON; a refusal is {"error": text}.
//
//	GET    /_fake/faults     {"faults": [Fault…]}, in the order in which they will be used
//	PUT    /_fake/faults     replaces them: {"faults": [Fault…]} or one Fault
//	POST   /_fake/faults     arms more, with the same bodies
//	DELETE /_fake/faults     204
//	POST   /_fake/reset      goes back to the seed or the default state, 204
//	POST   /_fake/seed       replaces all resources (see Fake.Seed), 204
//	GET    /_fake/requests   {"requests": [Request…]}, oldest first; only the last ones are kept (see Size).
//	                         ?after= (a number), ?operation= and ?session= (a SID) filter them.
//	                         ?brief=true leaves out headers and bodies. It adds receipt: whether
//	                         the caller got the operation's own success, complete. If not, it
//	                         adds the beginnings of answer, text and media_url.
//	GET    /_fake/requests/{number}  {"request": Request}
//	GET    /_fake/accepted   {"accepted": n}, the number of messages created through the API
//	GET    /_fake/clock      {"now": time, "frozen": bool}
//	PUT    /_fake/clock      {"now": time} stops it at that time, {"advance": "90s"} moves it,
//	                         {"frozen": bool} stops it or lets it run; from the year 1900 to the
//	                         beginning of 2200
//	GET    /_fake/settings   {"rate_limit": bool, "queued_for": "0s", "sent_for": "2s"}
//	PUT    /_fake/settings   changes the given ones
//
// The following routes serve the page that people look at. Lists are newest first. They take ?limit= (1 to 200, default
// 50) and ?before=, and return next_before, which is 0 at the end.
//
//	GET    /_fake/state                        account_sid, services [{sid, unique_name, sessions,
//	                                           phone_numbers}], accepted, messages, clock, rate_limit,
//	                                           faults, operations [id…], effects [name…]
//	GET    /_fake/sessions?service=            {"sessions": [session…], "next_before": n}
//	GET    /_fake/sessions/{KC}                session
//	GET    /_fake/sessions/{KC}/messages       {"messages": [message…], "next_before": n}
//	GET    /_fake/messages/{KI}                {"message": message, "request": Request}; request is
//	                                           missing if it is no longer kept or there was none
//	POST   /_fake/participants/{KP}/messages   {"body": text}: the participant writes a message,
//	                                           {"sid": KI}; 409 if it is not accepted
//	GET    /_fake/events                       server-sent events, each one Event as JSON
//
//	session: seq, sid, service_sid, unique_name, status, closed_reason, mode, date_created,
//	         date_last_interaction (or null), messages (their number), last_message (message or
//	         null), participants [{sid, identifier, friendly_name, proxy_identifier, deleted}]
//	message: seq, sid, body, media_url, from_participant_sid ("" = sent through the API),
//	         to_participant_sid ("" = no partner), status, error_code, date_created, date_updated,
//	         exchange (whether the raw request is still kept)
//
// The event feed begins with an event of type hello. After a lost connection, a client must read the state again. A
// session's expiry is noticed when the session is next read. All paths outside /v1 and /_fake/ go to Config.Page.
//
// # Seed
//
// A seed is a JSON document with only the records that matter. Missing SIDs are made up, missing dates become the moment
// of loading, and missing proxy identifiers are assigned. The state file has the same form. It also keeps the clock if it
// was set: "clock" is {"frozen": time} for a stopped clock and {"offset": "1h"} for a running one. Faults, settings and
// recorded requests do not survive a restart.
//
//	{"services": [{"unique_name": "shop",
//	  "phone_numbers": [{"phone_number": "+15550109999"}],
//	  "sessions": [{"unique_name": "delivery",
//	    "participants": [{"sid": "KPcccccccccccccccccccccccccccccccc", "identifier": "+15550100001"}],
//	    "messages": [{"body": "hello", "outbound_participant_sid": "KPcccccccccccccccccccccccccccccccc"}]}]}]}
//
// # Undocumented behaviour
//
// The fake was written without access to the live API. The following is our choice; Twilio documents none of it, and
// neither does its OpenAPI description.
//
//	Where                    What the fake does
//	-----                    ------------------
//	status of a code         400, but 409 for 80602 and 80603, 403 for 80610, 404 for 20404 and 80903
//	malformed SID in a path  400 with 80403, 80405, 80407, 80408 or 80409. FetchService and
//	                         FetchSession also take a unique name, so they answer 404 with 20404
//	wrong method             405 with 20004; this includes OPTIONS, so no preflight is answered
//	body                     more than 1 MiB: 413 without a code; invalid UTF-8 or escapes: 80701;
//	                         not form-encoded: treated as if there were no parameters; unknown
//	                         parameters are ignored; a raw ; is part of a value; an empty parameter
//	                         of an update clears texts and URLs (but not UniqueName), and elsewhere
//	                         counts as not given
//	Body                     its length is not limited; neither Body nor MediaUrl: 80701
//	MediaUrl                 accepted (http, https) and shown in data as media_url; anything else: 80701
//	data                     compact JSON, body first; <, > and & are not escaped
//	deleted participant      can still be fetched and listed; create on it, or a second delete: 404, 20404
//	voice-only session       80910 for a message
//	closed session           80607, or 80904 if it expired, for every call that needs an open session
//	participants             80103 for an identifier that is already there, 80612 for one that was
//	                         removed; the answer to a delete has no body
//	session status           open becomes in-progress with the first interaction; creation accepts open
//	                         and in-progress; closed_reason is "", "api" or "expired"
//	reopening                the time to live starts again, and a past date_expiry is dropped
//	proxy identifiers        the oldest number that is unreserved, near and free; a pair of identifier
//	                         and number is free unless an open session holds it; overlay and radius
//	                         are treated as area-code; an identifier from a country that the fake does
//	                         not know is near every number
//	phone numbers            each can text, take media and call; the account owns any number or SID;
//	                         a SID alone gets a fictional number; the fake knows 13 countries
//	lists                    newest first; PageSize over 1000: 80701; Page counts only without a token;
//	                         participants and MessageInteractions have at most Config.MaxPageSize
//	                         records a page, too; page_size is how many a page has room for
//	MessageInteractions      lists and fetches what was created there, not what participants wrote
//	status when received     delivered, as the OpenAPI description says (its example says sent)
//	status times             sent at once, delivered two seconds later; see Message life
//	clock set back           messages go back to earlier statuses, then reach and announce the later
//	                         ones again; the rate limit starts again; expired sessions stay closed
//	callbacks                after each new interaction and each change of its status, in order, once
//	                         each, for at most 5 seconds; names as in Twilio's list, plus errorCode
//	intercept URL            called for what participants write, not for what the API creates; it gets
//	                         CallbackUrl's parameters
//	out-of-session URL       gets Messaging's parameters; the TwiML in its answer is ignored
//	all of these URLs        called only on loopback addresses and otherwise ignored without an error;
//	                         a user and password in the URL are sent as Basic auth
//	stop words               not known: STOP is a text like any other
//	rate limit               off by default; 429 with 20429, or 80621 for a call that belongs to no
//	                         service (ListService, CreateService, an unknown service), no Retry-After
//	Access-Control-*         the example values of the OpenAPI description
//	Twilio-Request-Id        on every answer, except for the page of the fault html with an error status and
//	                         that of the fault portal
//	account_sid              the first configured account SID, with any credentials
//	calls                    there are none: no operation of the API makes one
//
// Twilio documents these: success statuses, the 20 fields, the error shape, 401 with 20003, 404 with 20404, the legal
// changes of a session's status, at most two participants, lengths of names, defaults and bounds of PageSize, at most 100
// records on a page of services, sessions, phone numbers or interactions whatever PageSize asks for (Config.MaxPageSize),
// and the limit of 30 requests a second.
//
// # Size
//
// Memory is bounded, and so is the state file:
//
//   - Messages are kept up to Config.KeepBytes (16 MiB), counted as 512 bytes and their texts each: about 30,000 short
//     ones. Beyond that, the oldest messages of all sessions go. They are then as deleted ones: lists are shorter, a
//     fetch is 404 with 20404, and their later statuses are not announced. The count of accepted messages stays.
//   - The last 1,000 requests are kept (Config.KeepRequests), with up to half of Config.KeepBytes together.
//   - Callbacks that wait for a slow URL take up to half of Config.KeepBytes. Beyond that, the oldest are not sent.
//   - Of services, phone numbers, sessions and participants, there can be 100,000 together (Config.MaxRecords). Creating
//     one more is refused with 400 and no code. A seed or state file may have more.
//
// Seeds, faults and requests in progress come on top. Messages of a seed or state file beyond the bound go when it is
// loaded, the oldest first.
//
// Creating a message costs the same with 100,000 messages as with none (BenchmarkCreate). The cost of a list depends
// only on the size of its page (BenchmarkPages). The state file is written as a whole.
package fake
