package find

// A status is what this project knows of one value of inbound_resource_status and outbound_resource_status.
type status struct {
	final   bool   // nothing follows it
	meaning string // one sentence
	cause   string // what mostly leads to it, where the person did not get the message; the API has no error code
	next    string // what to do then
}

// statuses are the documented ones (Twilio's OpenAPI description of Proxy v1), and read, which Twilio's messages have on
// some channels. What they mean is on Twilio's pages on the status of messages and of calls. Only six are final. Others may
// stay as well, but nobody can tell: some carriers report nothing after sent.
var statuses = map[string]status{
	"accepted":         {meaning: "Twilio has taken it, and it has not gone out yet."},
	"scheduled":        {meaning: "It is planned for a later time, and has not gone out yet."},
	"queued":           {meaning: "It waits at Twilio, and has not gone out yet."},
	"sending":          {meaning: "Twilio is handing it to the carrier."},
	"sent":             {meaning: "Handed to the carrier; no proof of delivery."},
	"delivery-unknown": {meaning: "Handed to the carrier, which does not say whether it was delivered."},
	"delivered":        {final: true, meaning: "The carrier confirms that it was delivered."},
	"read":             {final: true, meaning: "It was delivered, and was opened on the other side."},
	"undelivered":      {final: true, meaning: "It went out, and the person did not get it.", cause: causeUndelivered, next: nextFailed},
	"failed":           {final: true, meaning: "It could not go out, and the person did not get it.", cause: causeFailed, next: nextFailed},
	"canceled":         {final: true, meaning: "It was canceled before it went out.", cause: "A person or a program canceled it at Twilio.", next: "Tell the user, who can find out why."},
	"deleted":          {final: true, meaning: "It was deleted at Twilio; whether it had been delivered can no longer be told.", next: "Do not take it for a failure: tell the user."},

	"receiving": {meaning: "It is on its way in to Twilio."},
	"received":  {meaning: "It has come in to Twilio."},

	"initiated":   {meaning: "The call is being set up."},
	"ringing":     {meaning: "The call is ringing."},
	"answered":    {meaning: "The call was answered."},
	"in-progress": {meaning: "The call is going on."},
	"completed":   {meaning: "The call took place, and is over."},
	"busy":        {meaning: "The call met a busy line."},
	"no-answer":   {meaning: "Nobody answered the call."},

	"unknown": {meaning: "Twilio itself does not know the status."},
}

// The causes are those of Twilio's error codes 30003 to 30008, and 30001 and 30002.
const (
	causeUndelivered = "Mostly the phone is off or out of reach, the number is a landline or not in use, the person blocks such messages, or the carrier filtered it."
	causeFailed      = "Mostly too many messages were waiting, the Twilio account is suspended, or the number cannot get messages from this sender."
	nextFailed       = "Tell the user, who can look the error up in the log of the Twilio Console by outbound_resource_sid. Do not repeat or rephrase the message on your own: it would mostly end in the same way."
)

const (
	meaningNone    = "Twilio's answer names no status."
	meaningUnknown = "This server does not know this status: tell the user what it is, and take it neither for a delivery nor for a failure."
	meaningInbound = "It came in from a Participant, and Twilio names no message that went out: the status is that of its way in."
)
