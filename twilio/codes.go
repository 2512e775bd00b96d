package twilio

// A Meaning says in our words what an error code of Twilio's means for somebody who
// sends a message or reads about one, and what to do now. Both are whole sentences,
// for a person and for a model.
type Meaning struct{ Cause, Next string }

// Meanings returns the error codes that Proxy is known to answer with, by code. It
// has every code of Proxy's own (801xx to 809xx) in Twilio's dictionary of errors,
// and the general codes and those of Messaging that can come up in a send. Twilio
// does not document which operation answers with which. Its words change; the
// numbers do not. The map is the caller's.
func Meanings() map[int]Meaning {
	return map[int]Meaning{
		// The API in general.
		20003: {"Twilio does not accept this server's credentials.", nextCredentials},
		20004: {"The API does not have this operation at this address.", nextAddress},
		20005: {"The Twilio account is not active.", nextAccount},
		20008: {"These are Twilio's test credentials, which do not work with Proxy.", "Tell the user to configure live credentials or to use the built-in fake."},
		20403: {"Twilio does not let this account use the API; it may be suspended or closed.", nextAccount},
		20404: {"One of the SIDs does not exist in this account.", nextSids},
		20429: {"Twilio gets too many requests.", nextWait},

		// Messaging, through which Proxy sends.
		21610: {"The person has opted out of messages from this number.", nextOptedOut},
		21617: {"The text is longer than a text message may be, which is 1,600 characters.", "Ask the user how to shorten it; do not split it into several messages on your own."},

		// Something is there already.
		80101: {"The phone number belongs to another Service.", nextSetup},
		80102: {"The Participant is part of the Interaction already.", nextSetup},
		80103: {"The person is a Participant of the Session already.", nextSetup},
		80104: {"The phone number is in the Service already.", nextSetup},
		80105: {"The short code is in the Service already.", nextSetup},

		// No number to send from.
		80201: {"The Service has no number that can call for this Participant.", nextNumbers},
		80202: {"The Service has no number that can text for this Participant.", nextNumbers},
		80203: {"The Service has no number for the country of this Participant.", nextNumbers},
		80205: {"The Service has no numbers at all.", nextNumbers},
		80206: {"The Service has no number that fits this Participant and is free.", nextNumbers},
		80207: {"All numbers that would fit this Participant are reserved.", nextNumbers},
		80208: {"All numbers that would fit this Participant are in use in other Sessions.", nextNumbers},

		// Something does not exist.
		80301: {"The account does not own the phone number.", nextSetup},
		80303: {"The account does not own the short code.", nextSetup},
		80304: {"The Service does not know the identifier from a channel outside Twilio.", nextSetup},
		80305: {"The Service does not know the SID of an identifier from a channel outside Twilio.", nextSetup},
		80306: {"The Service has no chat service.", nextSetup},
		80307: {"What was to be changed has been deleted.", nextSids},
		80308: {"No Session has this unique name.", nextSids},

		// A value does not have the right form.
		80401: {"Twilio does not accept the account's SID.", "Tell the user to check it (TWILIO_ACCOUNT_SID)."},
		80402: {"The person's identifier and the number in between do not go together.", nextSetup},
		80403: {"Twilio does not accept the Interaction's SID.", nextSids},
		80404: {"The Participant's number is not one that can be reached.", nextParticipant},
		80405: {"Twilio does not accept the Participant's SID.", nextSids},
		80406: {"Twilio does not accept the phone number.", nextSetup},
		80407: {"Twilio does not accept the phone number's SID.", nextSids},
		80408: {"Twilio does not accept the Service's SID.", nextSids},
		80409: {"Twilio does not accept the Session's SID.", nextSids},

		// Twilio itself.
		80501: {"Twilio could not read or store something.", nextFault},
		80502: {"A service of Twilio's behind Proxy failed or refused the request.", nextRejected},
		80503: {"What was to be changed was not found; it may have been deleted.", nextSids},
		80504: {"Twilio had an internal error.", nextFault},
		80505: {"Twilio Flex, which uses this Service, is not set up correctly.", nextSetup},
		80506: {"Twilio does not offer Proxy to this account: it is closed to new customers.", "Do not call again: tell the user, who can ask Twilio for an exemption or use an account that already has a Proxy Service."},

		// The resources do not allow it.
		80601: {"The phone number is not free; it may belong to another pool.", nextSetup},
		80602: {"Another Service has this unique name.", nextName},
		80603: {"Another Session has this unique name.", nextName},
		80604: {"The number in between is taken for this person already.", nextSetup},
		80605: {"The number in between does not belong to the Service.", nextSetup},
		80606: {"The number in between does not belong to the account.", nextSetup},
		80607: {"The Session is closed.", nextClosed},
		80608: {"A Session's status cannot change in this way.", "Tell the user: an open or in-progress Session can be closed, and a closed one can go back to in-progress."},
		80609: {"A Session has at most two Participants.", nextSetup},
		80610: {"The SIDs do not belong together.", "Check which Service and Session the Participant is in; do not guess other SIDs."},
		80611: {"The number is in use in a Session.", nextSetup},
		80612: {"The person is in the Session already, or was removed from it, which is for good.", nextParticipant},
		80613: {"A service of Twilio's behind Proxy rejected the message.", nextRejected},
		80614: {"The Session has no second Participant for this one.", nextSetup},
		80615: {"The account is on legal hold, so nothing of it can be deleted.", nextAccount},
		80616: {"The person's identifier does not fit the mode of the Session.", nextParticipant},
		80617: {"Twilio Flex, which uses this Service, is not set up correctly.", nextSetup},
		80618: {"The chat of this Service is not set up correctly.", nextSetup},
		80619: {"An attribute of the chat channel is not right.", nextSetup},
		80620: {"A chat message is for an identifier that the Service does not have.", nextSetup},
		80621: {"Proxy gets too many requests.", nextWait},
		80622: {"The Service has as many numbers as it may have.", nextFull},
		80623: {"The same person is being added to two Sessions at once.", nextParticipant},
		80624: {"The Service will soon have as many numbers as it may have.", nextFull},
		80701: {"A parameter is not one that Twilio accepts.", "Correct the parameter that Twilio's words name (leave MediaUrl out: Proxy does not support it), or tell the user."},
		80801: {"The Session cannot be reopened: in an open one, the same number stands for the same person.", nextSetup},
		80802: {"The same person was added to Sessions more than once at nearly the same time.", nextParticipant},

		// A message or call on its way.
		80901: {"Twilio takes the text for a word by which people opt out of messages or in again (such as STOP or START), and passes it on to nobody.", nextOptedOut},
		80902: {"There is no active Session for what came in.", nextIncoming},
		80903: {"Twilio does not know the Participant.", nextSids},
		80904: {"The Session has expired.", nextClosed},
		80905: {"Proxy does not know what to do with what came in.", nextIncoming},
		80906: {"The Interaction was complete already.", nextIncoming},
		80907: {"There is no open Interaction for the call.", nextIncoming},
		80908: {"The program behind the Service's callback URL did not answer as it should.", nextProgram},
		80909: {"The program behind the Service's intercept URL blocked this.", nextBlocked},
		80910: {"The Session is for calls only.", "Do not call again: tell the user, who can use a Session whose mode allows messages."},
		80911: {"The Session is for messages only.", nextIncoming},
		80913: {"The program behind the Service's out-of-session URL did not answer as it should.", nextProgram},
	}
}

// The next steps that several codes share. None advises to try other words: what
// Twilio refused for its content is for a person to decide.
const (
	nextCredentials = "Tell the user to check them."
	nextAddress     = "Tell the user to check the address (TWILIO_PROXY_BASE_URL)."
	nextAccount     = "Do not call again: tell the user, who can ask Twilio about the account."
	nextSids        = "Check the SIDs with the user, do not guess others."
	nextWait        = "The same call may be made again later."
	nextOptedOut    = "Do not rephrase and send again: tell the user. Only the person can opt in again, with a text of their own."
	nextRejected    = "Do not rephrase and send again: tell the user, who may find the reason in the error log of the Twilio Console."
	nextBlocked     = "Do not rephrase and send again: tell the user, whose program decided that."
	nextFault       = "Do not repeat the call on your own: tell the user that the fault is Twilio's."
	nextClosed      = "It takes no messages now. Do not call again: tell the user, who can reopen the Session or begin another."
	nextSetup       = "The same call would be refused again: tell the user, who can change the Service or the Session at Twilio."
	nextNumbers     = "Do not call again: tell the user, who can add numbers to the Service at Twilio."
	nextFull        = "Do not call again: tell the user, who can remove numbers that are not used or set up another Service at Twilio."
	nextParticipant = "Do not call again: tell the user, who can check the Participant at Twilio."
	nextName        = "Tell the user, who can choose another name."
	nextProgram     = "Tell the user, whose program that is; it says nothing against the text."
	nextIncoming    = "Twilio has this code for incoming messages and calls rather than for a text that is sent: tell the user."
)
