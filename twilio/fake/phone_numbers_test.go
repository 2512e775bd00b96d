package fake_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestPhoneNumbers(t *testing.T) {
	s := start(t, fake.Config{})
	numbers := servicePath + "/PhoneNumbers"
	made := s.ok(201, "POST", numbers, url.Values{"PhoneNumber": {"+441632960001"}, "IsReserved": {"true"}}).json
	require.Equal(t, "GB", made["iso_country"])
	require.Equal(t, true, made["is_reserved"])
	require.EqualValues(t, 0, made["in_use"])
	own := numbers + "/" + text(made["sid"])
	require.Equal(t, false, s.ok(200, "POST", own, url.Values{"IsReserved": {"False"}}).json["is_reserved"])
	require.Equal(t, false, s.ok(200, "POST", own, nil).json["is_reserved"])

	given := "PN" + strings.Repeat("c", 32)
	bySid := s.ok(201, "POST", numbers, url.Values{"Sid": {given}}).json
	require.Equal(t, given, bySid["sid"])
	require.Regexp(t, `^\+1555\d{7}$`, bySid["phone_number"])

	other := text(s.ok(201, "POST", "/v1/Services", url.Values{"UniqueName": {"other"}}).json["sid"])
	for _, test := range []struct {
		code         int
		method, path string
		form         url.Values
	}{
		{80104, "POST", numbers, url.Values{"PhoneNumber": {"+441632960001"}}},
		{80104, "POST", numbers, url.Values{"Sid": {given}}},
		{80101, "POST", "/v1/Services/" + other + "/PhoneNumbers", url.Values{"PhoneNumber": {"+441632960001"}}},
		{80101, "POST", "/v1/Services/" + other + "/PhoneNumbers", url.Values{"Sid": {given}}},
		{80701, "POST", numbers, nil},
		{80701, "POST", numbers, url.Values{"PhoneNumber": {"5551234"}}},
		{80701, "POST", numbers, url.Values{"Sid": {"PN1"}}},
		{80701, "POST", own, url.Values{"IsReserved": {"perhaps"}}},
		{80407, "GET", numbers + "/PN1", nil},
		{80611, "DELETE", numbers + "/PN" + strings.Repeat("a", 32), nil},
	} {
		s.refused(400, test.code, test.method, test.path, test.form)
	}
	s.refused(404, 20404, "GET", "/v1/Services/"+other+"/PhoneNumbers/"+given, nil)

	require.EqualValues(t, 1, s.ok(200, "GET", numbers+"/PN"+strings.Repeat("a", 32), nil).json["in_use"])
	s.ok(200, "POST", sessionPath, url.Values{"Status": {"closed"}})
	require.EqualValues(t, 0, s.ok(200, "GET", numbers+"/PN"+strings.Repeat("a", 32), nil).json["in_use"])
	s.ok(204, "DELETE", numbers+"/PN"+strings.Repeat("a", 32), nil)
}

// service creates a service with the given settings and numbers.
func (s *server) service(settings url.Values, numbers ...string) string {
	s.t.Helper()
	path := "/v1/Services/" + text(s.ok(201, "POST", "/v1/Services", settings).json["sid"])
	for _, number := range numbers {
		s.ok(201, "POST", path+"/PhoneNumbers", url.Values{"PhoneNumber": {number}})
	}
	return path
}

func (s *server) session(service string, form url.Values) string {
	s.t.Helper()
	return service + "/Sessions/" + text(s.ok(201, "POST", service+"/Sessions", form).json["sid"])
}

// join adds a participant and returns its proxy identifier.
func (s *server) join(session, identifier string) string {
	s.t.Helper()
	return text(s.ok(201, "POST", session+"/Participants", url.Values{"Identifier": {identifier}}).json["proxy_identifier"])
}

func TestNumberSelection(t *testing.T) {
	const anna, first, second = "+15550100003", "+15550110001", "+15550110002"
	s := start(t, fake.Config{})
	avoid := s.service(url.Values{"UniqueName": {"avoid"}, "NumberSelectionBehavior": {"avoid-sticky"}}, first, second)
	one := s.session(avoid, nil)
	require.Equal(t, first, s.join(one, anna))
	two := s.session(avoid, nil)
	require.Equal(t, second, s.join(two, anna), "an open session holds the first number")
	three := s.session(avoid, nil)
	s.refused(400, 80208, "POST", three+"/Participants", url.Values{"Identifier": {anna}})
	require.Equal(t, first, s.join(three, "+15550100004"), "another person may have the same number")
	s.ok(200, "POST", one, url.Values{"Status": {"closed"}})
	s.ok(200, "POST", two, url.Values{"Status": {"closed"}})
	require.Equal(t, first, s.join(s.session(avoid, nil), anna), "avoid-sticky does not give the last number again")
	s.refused(400, 80801, "POST", one, url.Values{"Status": {"in-progress"}})
	s.ok(200, "POST", two, url.Values{"Status": {"in-progress"}})

	sticky := s.service(url.Values{"UniqueName": {"sticky"}}, "+15550120001", "+15550120002")
	four := s.session(sticky, nil)
	s.ok(201, "POST", four+"/Participants", url.Values{"Identifier": {anna}, "ProxyIdentifier": {"+15550120002"}})
	s.ok(204, "DELETE", four, nil)
	require.Equal(t, "+15550120002", s.join(s.session(sticky, nil), anna))

	for code, service := range map[int]string{
		80205: s.service(url.Values{"UniqueName": {"empty"}}),
		80203: s.service(url.Values{"UniqueName": {"abroad"}}, "+441632960002"),
	} {
		s.refused(400, code, "POST", s.session(service, nil)+"/Participants", url.Values{"Identifier": {anna}})
	}
	local := s.service(url.Values{"UniqueName": {"local"}, "GeoMatchLevel": {"area-code"}}, "+14155550100", "+15550130001")
	require.Equal(t, "+15550130001", s.join(s.session(local, nil), anna))
	s.refused(400, 80203, "POST", s.session(local, nil)+"/Participants", url.Values{"Identifier": {"+12125550100"}})

	reserved := s.service(url.Values{"UniqueName": {"reserved"}})
	s.ok(201, "POST", reserved+"/PhoneNumbers", url.Values{"PhoneNumber": {"+15550140001"}, "IsReserved": {"true"}})
	five := s.session(reserved, nil)
	s.refused(400, 80207, "POST", five+"/Participants", url.Values{"Identifier": {anna}})
	s.ok(201, "POST", five+"/Participants", url.Values{"Identifier": {anna}, "ProxyIdentifier": {"+15550140001"}})
	s.refused(400, 80604, "POST", s.session(reserved, nil)+"/Participants", url.Values{"Identifier": {anna}, "ProxyIdentifier": {"+15550140001"}})
	s.refused(400, 80605, "POST", five+"/Participants", url.Values{"Identifier": {"+15550100004"}, "ProxyIdentifier": {"+15550199999"}})
}
