// Package sdktest tests the fake with Twilio's own libraries. Only the address to
// which they connect is changed.
package sdktest
