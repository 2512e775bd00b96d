package fake_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestServices(t *testing.T) {
	s := start(t, fake.Config{})
	made := s.ok(201, "POST", "/v1/Services", url.Values{
		"UniqueName": {"sho/p & co"}, "DefaultTtl": {"60"}, "CallbackUrl": {"http://127.0.0.1:1/x"},
		"GeoMatchLevel": {"area-code"}, "NumberSelectionBehavior": {"avoid-sticky"}, "Nonsense": {"ignored"},
		"ChatInstanceSid": {"IS" + strings.Repeat("a", 32)},
	}).json
	sid := text(made["sid"])
	require.Regexp(t, "^KSfa4e[0-9a-f]{28}$", sid)
	require.Equal(t, s.url+"/v1/Services/"+sid, made["url"])
	require.Equal(t, made["url"].(string)+"/Sessions", made["links"].(map[string]any)["sessions"])
	require.EqualValues(t, 60, made["default_ttl"])
	require.Nil(t, made["intercept_callback_url"])

	require.Equal(t, made, s.ok(200, "GET", "/v1/Services/"+sid, nil).json)
	require.Equal(t, made, s.ok(200, "GET", "/v1/Services/"+url.PathEscape("sho/p & co"), nil).json)

	changed := s.ok(200, "POST", "/v1/Services/"+sid, url.Values{"UniqueName": {"other"}, "CallbackUrl": {""}}).json
	require.Equal(t, "other", changed["unique_name"])
	require.Nil(t, changed["callback_url"])
	require.Equal(t, "area-code", changed["geo_match_level"])
	s.refused(404, 20404, "GET", "/v1/Services/"+url.PathEscape("sho/p & co"), nil)
	s.ok(201, "POST", "/v1/Services", url.Values{"UniqueName": {"sho/p & co"}})

	s.ok(204, "DELETE", "/v1/Services/"+sid, nil)
	s.refused(404, 20404, "GET", "/v1/Services/"+sid, nil)
	s.refused(404, 20404, "DELETE", "/v1/Services/"+sid, nil)
}

func TestServiceRefusals(t *testing.T) {
	s := start(t, fake.Config{})
	long := strings.Repeat("é", 192)
	for _, test := range []struct {
		status, code int
		method, path string
		form         url.Values
	}{
		{400, 80701, "POST", "/v1/Services", nil},
		{400, 80701, "POST", "/v1/Services", url.Values{"UniqueName": {long}}},
		{400, 80701, "POST", "/v1/Services", url.Values{"UniqueName": {"a\xff"}}},
		{409, 80602, "POST", "/v1/Services", url.Values{"UniqueName": {"My Service"}}},
		{400, 80701, "POST", servicePath, url.Values{"UniqueName": {""}}},
		{400, 80701, "POST", servicePath, url.Values{"DefaultTtl": {"-1"}}},
		{400, 80701, "POST", servicePath, url.Values{"DefaultTtl": {"soon"}}},
		{400, 80701, "POST", servicePath, url.Values{"GeoMatchLevel": {"planet"}}},
		{400, 80701, "POST", servicePath, url.Values{"NumberSelectionBehavior": {"sticky"}}},
		{400, 80701, "POST", servicePath, url.Values{"CallbackUrl": {"ftp://x/"}}},
		{400, 80701, "POST", servicePath, url.Values{"InterceptCallbackUrl": {"nowhere"}}},
		{400, 80701, "POST", servicePath, url.Values{"OutOfSessionCallbackUrl": {"http://x/" + strings.Repeat("a", 4000)}}},
		{400, 80701, "POST", servicePath, url.Values{"ChatInstanceSid": {"IS1"}}},
		{400, 80408, "POST", "/v1/Services/KS1", url.Values{"DefaultTtl": {"1"}}},
		{400, 80408, "GET", "/v1/Services/KS1/Sessions", nil},
		{404, 20404, "GET", "/v1/Services/KS71", nil},
		{404, 20404, "GET", "/v1/Services/" + strings.Replace(fake.ServiceSid, "a", "b", 1) + "/Sessions", nil},
		{404, 20404, "GET", "/v1/Services/%2e%2e%2f%2e%2e%2fevil", nil},
		{404, 20404, "GET", "/v1/Nothing", nil},
		{404, 20404, "GET", "/elsewhere", nil},
		{404, 20404, "GET", "/v1/Services/", nil},
		{405, 20004, "PUT", servicePath, nil},
		{405, 20004, "DELETE", messagesPath, nil},
		{400, 80701, "GET", "/v1/Services?PageSize=0", nil},
		{400, 80701, "GET", "/v1/Services?PageSize=1001", nil},
		{400, 80701, "GET", "/v1/Services?Page=-1", nil},
		{400, 80701, "GET", "/v1/Services?PageToken=PAzz", nil},
		{400, 80701, "GET", "/v1/Services?PageToken=x", nil},
	} {
		s.refused(test.status, test.code, test.method, test.path, test.form)
	}
	require.Equal(t, "The requested resource /Services/KS71 was not found", s.do("GET", "/v1/Services/KS71", nil).json["message"])
	require.Equal(t, "My Service", s.ok(200, "GET", servicePath, nil).json["unique_name"])
}
