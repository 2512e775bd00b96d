package serve

import "sync/atomic"

// room is a number of bytes of memory that many share.
type room struct {
	max  int64
	used atomic.Int64
}

// take is false, and takes nothing, when there is not as much left.
func (r *room) take(bytes int) bool {
	if r.used.Add(int64(bytes)) > r.max {
		r.give(bytes)
		return false
	}
	return true
}

func (r *room) give(bytes int) { r.used.Add(-int64(bytes)) }

// halfFull says that what has not begun yet had better not.
func (r *room) halfFull() bool { return r.used.Load() >= r.max/2 }
