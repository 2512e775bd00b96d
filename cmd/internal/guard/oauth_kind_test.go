package guard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The shapes of tokens that authorization servers make by default, with their issuer and audience replaced. Those with the
// same name before the comma are of one server.
func TestOAuthTellsAccessTokensFromOthers(t *testing.T) {
	i := newIssuer(t)
	plain := `{"alg":"ES256","kid":"first"}`
	typed := func(typ string) string { return `{"alg":"ES256","kid":"first","typ":"` + typ + `"}` }
	no := map[string]string{"scope": ""}
	and := func(more map[string]string) map[string]string {
		all := map[string]string{"scope": ""}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	for name, c := range map[string]struct {
		header string
		claims map[string]string
		want   int
	}{
		"RFC 9068": {typed("at+jwt"), map[string]string{"client_id": `"c"`, "jti": `"1"`, "auth_time": "1", "acr": `"1"`}, admits},
		"RFC 9068, with what only ID tokens should have": {typed("at+jwt"), and(map[string]string{"nonce": `"n"`, "at_hash": `"h"`}), admits},
		"Auth0, access":                   {typed("JWT"), map[string]string{"azp": `"c"`, "gty": `"client-credentials"`, "permissions": "[]"}, admits},
		"Auth0, access without a scope":   {typed("JWT"), and(map[string]string{"azp": `"c"`}), admits},
		"Auth0, ID":                       {typed("JWT"), and(map[string]string{"nonce": `"n"`, "sid": `"s"`, "name": `"N"`, "email": `"e@example.com"`}), refuses},
		"Auth0, logout":                   {typed("logout+jwt"), and(map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`, "jti": `"1"`, "sid": `"s"`}), refuses},
		"Entra v2, access":                {typed("JWT"), and(map[string]string{"ver": `"2.0"`, "scp": `"read send"`, "azp": `"c"`, "azpacr": `"1"`, "oid": `"o"`, "tid": `"t"`, "uti": `"u"`, "aio": `"a"`, "rh": `"r"`, "name": `"N"`}), admits},
		"Entra v2, access of an app":      {typed("JWT"), and(map[string]string{"ver": `"2.0"`, "roles": `["send"]`, "azp": `"c"`, "idtyp": `"app"`, "oid": `"o"`}), admits},
		"Entra v1, access":                {typed("JWT"), and(map[string]string{"ver": `"1.0"`, "scp": `"send"`, "appid": `"c"`, "appidacr": `"0"`, "amr": `["pwd"]`, "unique_name": `"u"`, "upn": `"u"`}), admits},
		"Entra v2, ID":                    {typed("JWT"), and(map[string]string{"ver": `"2.0"`, "nonce": `"n"`, "oid": `"o"`, "tid": `"t"`, "preferred_username": `"u"`, "rh": `"r"`, "uti": `"u"`}), refuses},
		"Entra v2, ID of the hybrid flow": {typed("JWT"), and(map[string]string{"ver": `"2.0"`, "nonce": `"n"`, "c_hash": `"h"`, "at_hash": `"h"`}), refuses},
		"Azure AD B2C, access":            {typed("JWT"), and(map[string]string{"ver": `"1.0"`, "scp": `"send"`, "azp": `"c"`, "nonce": `"n"`, "tfp": `"B2C_1_x"`, "emails": `["e@example.com"]`}), admits},
		"Keycloak, access":                {typed("JWT"), map[string]string{"typ": `"Bearer"`, "azp": `"c"`, "sid": `"s"`, "acr": `"1"`, "allowed-origins": `["*"]`, "realm_access": `{"roles":[]}`}, admits},
		"Keycloak before 25, access":      {typed("JWT"), map[string]string{"typ": `"Bearer"`, "azp": `"c"`, "nonce": `"n"`, "session_state": `"s"`}, admits},
		"Keycloak, access for DPoP":       {typed("JWT"), map[string]string{"typ": `"DPoP"`, "azp": `"c"`, "cnf": `{"jkt":"x"}`}, admits},
		"Keycloak, ID":                    {typed("JWT"), and(map[string]string{"typ": `"ID"`, "azp": `"c"`, "sid": `"s"`}), refuses},
		"Keycloak, ID with a nonce":       {typed("JWT"), map[string]string{"typ": `"ID"`, "azp": `"c"`, "nonce": `"n"`, "at_hash": `"h"`}, refuses},
		"Keycloak, logout":                {typed("JWT"), and(map[string]string{"typ": `"Logout"`, "sid": `"s"`}), refuses},
		"Keycloak, refresh":               {typed("JWT"), map[string]string{"typ": `"Refresh"`, "azp": `"c"`}, refuses},
		"Keycloak, offline":               {typed("JWT"), map[string]string{"typ": `"Offline"`, "azp": `"c"`}, refuses},
		"Okta, access":                    {plain, and(map[string]string{"ver": "1", "jti": `"AT.x"`, "cid": `"c"`, "uid": `"u"`, "scp": `["send"]`, "auth_time": "1"}), admits},
		"Okta, access of the org":         {typed("application/okta-internal-at+jwt"), and(map[string]string{"ver": "1", "cid": `"c"`, "scp": `["send"]`}), admits},
		"Okta, ID":                        {plain, and(map[string]string{"ver": "1", "jti": `"ID.x"`, "amr": `["pwd"]`, "idp": `"i"`, "at_hash": `"h"`, "auth_time": "1"}), refuses},
		"Okta, logout":                    {typed("logout+jwt"), and(map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`}), refuses},
		"Cognito, access":                 {plain, map[string]string{"token_use": `"access"`, "client_id": `"c"`, "username": `"u"`, "origin_jti": `"o"`, "version": "2"}, admits},
		"Cognito, ID":                     {plain, and(map[string]string{"token_use": `"id"`, "cognito:username": `"u"`, "email": `"e@example.com"`}), refuses},
		"Ory Hydra, access":               {typed("JWT"), and(map[string]string{"client_id": `"c"`, "ext": "{}", "scp": `["send"]`, "jti": `"1"`}), admits},
		"Ory Hydra, ID":                   {typed("JWT"), and(map[string]string{"at_hash": `"h"`, "rat": "1", "sid": `"s"`, "auth_time": "1"}), refuses},
		"Duende, access":                  {typed("at+jwt"), map[string]string{"client_id": `"c"`, "sid": `"s"`, "idp": `"local"`, "amr": `["pwd"]`, "nbf": "1"}, admits},
		"IdentityServer 3, access":        {typed("JWT"), map[string]string{"client_id": `"c"`, "scope": `["read","send"]`, "idp": `"i"`}, admits},
		"Duende, ID":                      {typed("JWT"), and(map[string]string{"at_hash": `"h"`, "s_hash": `"h"`, "sid": `"s"`}), refuses},
		"Duende, logout":                  {typed("logout+jwt"), and(map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`}), refuses},
		"PingAM, access":                  {typed("JWT"), map[string]string{"tokenName": `"access_token"`, "token_type": `"Bearer"`, "nonce": `"n"`, "grant_type": `"authorization_code"`, "cts": `"x"`}, admits},
		"PingAM, ID":                      {typed("JWT"), and(map[string]string{"tokenName": `"id_token"`, "azp": `"c"`}), refuses},
		"Oracle IAM, access":              {typed("JWT"), map[string]string{"tok_type": `"AT"`, "client_id": `"c"`}, admits},
		"Oracle IAM, ID":                  {typed("JWT"), and(map[string]string{"tok_type": `"IT"`, "azp": `"c"`}), refuses},
		"Curity, access":                  {typed("JWT"), map[string]string{"purpose": `"access_token"`, "azp": `"c"`}, admits},
		"Curity, ID":                      {typed("JWT"), and(map[string]string{"purpose": `"id"`, "azp": `"c"`}), refuses},
		"authentik, access":               {typed("JWT"), map[string]string{"azp": `"c"`, "uid": `"u"`, "nonce": `"n"`, "acr": `"a"`, "amr": `["pwd"]`}, admits},
		"authentik, access of old":        {typed("JWT"), and(map[string]string{"azp": `"c"`, "uid": `"u"`, "nonce": `"n"`}), admits},
		"authentik, ID":                   {typed("JWT"), and(map[string]string{"nonce": `"n"`, "acr": `"a"`, "amr": `["pwd"]`, "sid": `"s"`}), refuses},
		"Zitadel, access":                 {typed("JWT"), and(map[string]string{"client_id": `"c"`, "jti": `"1"`, "nbf": "1"}), admits},
		"Zitadel, ID":                     {typed("JWT"), and(map[string]string{"client_id": `"c"`, "azp": `"c"`, "at_hash": `"h"`, "nonce": `"n"`}), refuses},
		"WorkOS, access":                  {plain, and(map[string]string{"sid": `"s"`, "jti": `"1"`, "org_id": `"o"`, "role": `"member"`, "permissions": "[]"}), admits},
		"Clerk, access":                   {typed("at+jwt"), map[string]string{"client_id": `"c"`, "jti": `"1"`, "nbf": "1"}, admits},
		"Stytch, access":                  {typed("JWT"), map[string]string{"client_id": `"c"`, "jti": `"1"`, "nbf": "1"}, admits},
		"Descope, access":                 {typed("JWT"), and(map[string]string{"drn": `"DS"`, "amr": `["oauth"]`, "tenants": "{}"}), admits},
		"Descope, refresh":                {typed("JWT"), and(map[string]string{"drn": `"DSR"`, "amr": `["oauth"]`}), refuses},
		"Cloudflare Access, for an app":   {typed("JWT"), and(map[string]string{"type": `"app"`, "identity_nonce": `"n"`, "country": `"XX"`, "email": `"e@example.com"`}), admits},
		"Dex, access and ID alike":        {plain, and(map[string]string{"at_hash": `"h"`, "email": `"e@example.com"`, "email_verified": "true"}), refuses},
		"nothing but what is required":    {plain, no, admits},
		"an ID token without any mark":    {plain, and(map[string]string{"email": `"e@example.com"`, "auth_time": "1"}), admits}, // a scope keeps it out
		"logout, not typed":               {typed("JWT"), and(map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`, "sid": `"s"`}), refuses},
		"logout, typed as access":         {typed("at+jwt"), and(map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`}), refuses},
		"another security event":          {typed("JWT"), and(map[string]string{"events": `{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}`}), refuses},
		"events of another sort":          {typed("JWT"), map[string]string{"events": `["read"]`}, admits},
		"a kind of another sort":          {typed("JWT"), map[string]string{"typ": "1", "token_use": "[]", "purpose": `"testing"`}, admits},
		"marks that are null":             {typed("JWT"), and(map[string]string{"nonce": "null", "at_hash": "null", "events": "null"}), admits},
	} {
		requireVerdict(t, c.want, i, i.raw(t, c.header, i.with(c.claims)), name)
	}
}

// Each mark alone refuses a token, and each sign of an access token alone outweighs a nonce.
func TestOAuthEachMarkCounts(t *testing.T) {
	i := newIssuer(t)
	for want, all := range map[int]string{
		refuses: `"at_hash":"h" "c_hash":"h" "s_hash":"h" "typ":"ID" "typ":"Serialized-ID" "typ":"Logout" "typ":"Refresh" "typ":"Offline"
			"token_use":"id" "token_use":"refresh" "tokenName":"id_token" "tokenName":"refresh_token" "tok_type":"IT" "tok_type":"RT"
			"purpose":"id" "purpose":"id_token" "purpose":"refresh_token" "drn":"DSR" "events":{}`,
		admits: `"scope":"send" "scp":["send"] "client_id":"c" "cid":"c" "azp":"c" "appid":"c"`,
	} {
		for _, mark := range strings.Fields(all) {
			claims := map[string]string{"scope": ""}
			if want == admits {
				claims["nonce"] = `"n"`
			}
			name, value, _ := strings.Cut(mark, ":")
			claims[strings.Trim(name, `"`)] = value
			requireVerdict(t, want, i, i.raw(t, `{"alg":"ES256","kid":"first"}`, i.with(claims)), mark)
		}
	}
}

func TestOAuthSaysThatATokenIsOfAnotherKind(t *testing.T) {
	i := newIssuer(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer "+i.token(t, func(claims map[string]any) { claims["at_hash"] = "h" }))
	answer := httptest.NewRecorder()
	i.guards().Authorize(admitted).ServeHTTP(answer, r)
	require.Equal(t, http.StatusUnauthorized, answer.Code)
	require.Contains(t, answer.Body.String(), "not an access token")
	require.Contains(t, answer.Header().Get("WWW-Authenticate"), `error="invalid_token"`)
}
