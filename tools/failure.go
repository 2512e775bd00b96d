package tools

import "strings"

// A Failure is an error that the model reads: what happened, whether a message was sent, what to do next.
type Failure struct {
	Outcome  Outcome
	Happened string // one sentence or more, or a list that ends with a line break
	Next     string // what the model should do now
}

// Error is the text of the error result.
func (f *Failure) Error() string {
	gap := " "
	if strings.HasSuffix(f.Happened, "\n") {
		gap = ""
	}
	return f.Happened + gap + sentSentence[f.Outcome.Sent] + f.Next
}

var sentSentence = map[Sent]string{
	SentYes:     "The message was sent. ",
	SentNo:      "Nothing was sent. ",
	SentUnknown: "Whether the message was sent is unknown. ",
}

// What a Failure may advise.
const (
	NextByPerson = "Do not call again on your own: tell the user, who can look at the conversation."
	NextLater    = "The same call may be made again later."
)

// InvalidArguments is the Failure of arguments that break a rule, with one line for each problem.
func InvalidArguments(problems error) *Failure {
	return &Failure{Outcome{Code: CodeInvalidArguments, Sent: SentNo},
		"The arguments are not valid:\n- " + strings.ReplaceAll(problems.Error(), "\n", "\n- ") + "\n",
		"Correct the arguments and call again."}
}
