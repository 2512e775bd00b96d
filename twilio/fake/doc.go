// Package fake is the Proxy API in memory.
package fake
