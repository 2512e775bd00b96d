package find

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheNewestAreKept(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := newest[int]{limit: 1 + random.IntN(10)}
		var all []int
		for range random.IntN(100) {
			day := random.IntN(50)
			all = append(all, day)
			n.add(day, time.Unix(1_900_000_000, 0).AddDate(0, 0, day))
			require.Less(t, len(n.kept), 2*n.limit)
		}
		slices.Sort(all)
		slices.Reverse(all)
		require.Equal(t, append([]int{}, all[:min(len(all), n.limit)]...), n.newestFirst())
		require.Equal(t, len(all), n.matched)
	}
}

// Times are to the second. Of one second, the order of the list tells which is newer.
func TestTheOrderWithinASecond(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(1_900_000_000+second, 0) }
	newestFirst := newest[string]{limit: 9}
	for i, one := range []string{"e", "d", "c", "b", "a", "?"} {
		newestFirst.add(one, []time.Time{at(2), at(1), at(1), at(1), at(0), {}}[i])
	}
	require.Equal(t, []string{"e", "d", "c", "b", "a", "?"}, newestFirst.newestFirst())
	oldestFirst := newest[string]{limit: 4}
	for i, one := range []string{"a", "b", "c", "d", "e"} {
		oldestFirst.add(one, []time.Time{at(0), at(1), at(1), at(1), at(2)}[i])
	}
	require.Equal(t, []string{"e", "d", "c", "b"}, oldestFirst.newestFirst())
	oneSecond := newest[string]{limit: 9}
	for _, one := range []string{"b", "a"} {
		oneSecond.add(one, at(0))
	}
	require.Equal(t, []string{"b", "a"}, oneSecond.newestFirst(), "most lists are newest first")
}
