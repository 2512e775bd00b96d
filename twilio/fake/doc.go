// Package fake is Twilio's Proxy API in memory: all 25 operations, with state
// between calls, faults on demand and a clock that tests can set.
//
//	f := fake.New(fake.Config{})
//	defer f.Close()
//	http.ListenAndServe("127.0.0.1:4010", f)
//
// It knows one service, one session and two participants from the start, under
// the SIDs of the API documentation's examples. What it mints itself has fa4e
// after the two letters of the SID. Nobody is ever texted.
//
// # Message life
//
// A message is queued for Config.QueuedFor, then sent for Config.SentFor, then
// delivered. QueuedFor is zero unless it is set, so that a new message answers
// "sent": the documented example says so, although Messaging begins with
// "queued". Set it, and creation answers "queued". These participant
// identifiers end otherwise:
//
//	+15550000001            stays queued
//	+15550000002            stays sent
//	+1555003000N, N = 1, 2  failed with error code 3000N
//	+1555003000N, N = 3-8   undelivered with error code 3000N
//
// The API has no field for an error code: it is in the callback (errorCode), the
// event feed and the control interface.
//
// # Control
//
// The control interface lies under /_fake/, answers loopback addresses only and
// needs no credentials; a callback does not get in. Bodies are JSON; a refusal is
// {"error": text}.
//
//	GET    /_fake/faults     {"faults": [Fault…]}, in the order in which they are used
//	PUT    /_fake/faults     replaces them: {"faults": [Fault…]} or one Fault
//	POST   /_fake/faults     arms more, the same bodies
//	DELETE /_fake/faults     204
//	POST   /_fake/reset      back to the seed or the default state, 204
//	POST   /_fake/seed       replaces all resources (see Fake.Seed), 204
//	GET    /_fake/requests   {"requests": [Request…]}, oldest first, bounded; of them those that
//	                         ?after= (a number), ?operation= and ?session= (a SID) leave;
//	                         ?brief=true gives them without headers and bodies, with
//	                         receipt (the caller got the operation's own success, whole) or
//	                         else the beginnings of answer, text and media_url
//	GET    /_fake/requests/{number}  {"request": Request}
//	GET    /_fake/accepted   {"accepted": n}, messages created through the API
//	GET    /_fake/clock      {"now": time, "frozen": bool}
//	PUT    /_fake/clock      {"now": time} stops it there, {"advance": "90s"} moves it,
//	                         {"frozen": bool} stops it or lets it run on; from the year
//	                         1900 to the beginning of 2200
//	GET    /_fake/settings   {"rate_limit": bool, "queued_for": "0s", "sent_for": "2s"}
//	PUT    /_fake/settings   changes those that are given
//
// For a page that people look at; lists are newest first, take ?limit= (1 to
// 200, else 50) and ?before=, and give next_before, 0 at the end:
//
//	GET    /_fake/state                        account_sid, services [{sid, unique_name, sessions,
//	                                           phone_numbers}], accepted, messages, clock, rate_limit,
//	                                           faults, operations [id…], effects [name…]
//	GET    /_fake/sessions?service=            {"sessions": [session…], "next_before": n}
//	GET    /_fake/sessions/{KC}                session
//	GET    /_fake/sessions/{KC}/messages       {"messages": [message…], "next_before": n}
//	GET    /_fake/messages/{KI}                {"message": message, "request": Request}; request is
//	                                           missing when it is no longer kept or there was none
//	POST   /_fake/participants/{KP}/messages   {"body": text}: the participant answers, {"sid": KI};
//	                                           409 when the message goes nowhere
//	GET    /_fake/events                       server-sent events, each one Event as JSON
//
//	session: seq, sid, service_sid, unique_name, status, closed_reason, mode, date_created,
//	         date_last_interaction (or null), messages (their number), last_message (message or
//	         null), participants [{sid, identifier, friendly_name, proxy_identifier, deleted}]
//	message: seq, sid, body, media_url, from_participant_sid ("" = sent through the API),
//	         to_participant_sid ("" = no partner), status, error_code, date_created, date_updated,
//	         exchange (whether the raw request can be read)
//
// The feed begins with an event of type hello; whoever comes back after a lost
// connection reads the state anew. A session's expiry is noticed when it is
// next read. Whatever is outside /v1 and /_fake/ goes to Config.Page.
//
// # Seed
//
// A seed is a JSON document with the records that matter; SIDs that are left
// out are minted, dates are the moment of loading, proxy identifiers are picked.
// The state file has the same form, and the clock if it was set: "clock":
// {"frozen": time}, or {"offset": "1h"} of one that runs. Faults, settings and
// recorded requests do not survive a restart.
//
//	{"services": [{"unique_name": "shop",
//	  "phone_numbers": [{"phone_number": "+15550109999"}],
//	  "sessions": [{"unique_name": "delivery",
//	    "participants": [{"sid": "KPcccccccccccccccccccccccccccccccc", "identifier": "+15550100001"}],
//	    "messages": [{"body": "hello", "outbound_participant_sid": "KPcccccccccccccccccccccccccccccccc"}]}]}]}
//
// # Chosen, not observed
//
// Nobody could ask the live API. Where neither Twilio's documentation nor its
// OpenAPI description decides, this package had to:
//
//	Where                    What was chosen
//	-----                    ---------------
//	status of a code         400, but 409 for 80602 and 80603, 403 for 80610, 404 for 20404 and 80903
//	malformed SID in a path  400 with 80403, 80405, 80407, 80408 or 80409; for FetchService and
//	                         FetchSession, which may be given a unique name, 404 with 20404
//	wrong method             405 with 20004; OPTIONS too: no preflight is answered
//	body                     more than 1 MiB: 413 without a code; invalid UTF-8 or escapes: 80701;
//	                         not form-encoded: as if there were no parameters; unknown parameters
//	                         are ignored; a raw ; is part of a value; an empty parameter of an update clears texts and URLs
//	                         (but UniqueName) and counts as not given elsewhere
//	Body                     no limit of length; neither Body nor MediaUrl: 80701
//	MediaUrl                 accepted (http, https) and shown in data as media_url; else 80701
//	data                     compact JSON, body first; <, > and & are not escaped
//	deleted participant      still fetched and listed; create on it and a second delete: 404, 20404
//	voice-only session       80910 for a message
//	closed session           80607; after its expiry 80904, for every call that needs an open one
//	participants             80103 for an identifier that is there, 80612 for one that was removed;
//	                         the answer to a delete has no body
//	session status           open becomes in-progress with the first interaction; creation takes open
//	                         and in-progress; closed_reason is "", "api" or "expired"
//	reopening                the time to live counts anew and a past date_expiry is dropped
//	proxy identifiers        first number in order of creation that is unreserved, near and free; a
//	                         pair of identifier and number is free unless an open session holds it;
//	                         overlay and radius count as area-code; an identifier of a country that
//	                         the fake does not know is near every number
//	phone numbers            each can text, take media and call; the account owns any number or SID;
//	                         a SID alone gets a fictional number; 13 countries are told apart
//	lists                    newest first; PageSize over 1000: 80701; Page counts only without a token
//	MessageInteractions      lists and fetches what was created there, not what participants wrote
//	status when received     delivered, as the OpenAPI description says (its example says sent)
//	status times             sent at once, delivered two seconds later; see Message life
//	clock set back           statuses of messages become earlier ones, to be reached and announced once
//	                         more; the rate limit counts anew; expired sessions stay closed
//	callbacks                after each new interaction and each change of its status, in order, once,
//	                         5 seconds at most; names as in Twilio's list, errorCode added
//	intercept URL            asked for what participants write, not for what the API creates; it gets
//	                         CallbackUrl's parameters
//	out-of-session URL       Messaging's parameters; the TwiML in its answer is not carried out
//	any of these URLs        called on loopback addresses only, silently left alone elsewhere; a user and
//	                         password in it are sent as Basic auth
//	stop words               not known: STOP is a text like any other
//	rate limit               off unless switched on; 429 with 20429, or 80621 for a call to no service
//	                         (ListService, CreateService, an unknown service), no Retry-After
//	Access-Control-*         the example values of the OpenAPI description
//	Twilio-Request-Id        on every answer
//	account_sid              the first configured account SID, whatever the credentials of a call
//	calls                    there are none: no operation of the API makes one
//
// Documented, and so not chosen: success statuses, the 20 fields, the error
// shape, 401 with 20003, 404 with 20404, the legal changes of a session's
// status, two participants at most, lengths of names, defaults and bounds of
// PageSize, the limit of 30 requests a second.
//
// # Size
//
// A message takes about 300 bytes and its text. Making one costs the same at
// 100,000 as at the first (BenchmarkCreate); a page of a list costs what is on
// it (BenchmarkPages). The state file is written as a whole.
package fake
