// Package sdktest drives the fake with Twilio's own libraries, unchanged but
// for the address they connect to.
package sdktest
