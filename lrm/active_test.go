package lrm

import (
	"reflect"
	"testing"
	"time"
)

// A stop gets the parameters of the start: after a change of the configuration
// those of now would stop something else, and leave the old address.
func TestStopHasTheParametersOfTheStart(t *testing.T) {
	stage(t, &actor{}, nil, func(t *testing.T, l *LRM) {
		start, stop := act("ip", "start"), act("ip", "stop")
		start.Params = map[string]string{"ip": "10.0.0.1", "gone": "1", "CRM_meta_timeout": "5000"}
		stop.Params = map[string]string{"ip": "10.0.0.2", "new": "1", "CRM_meta_timeout": "7000"}
		l.Execute(start)
		l.Execute(stop)
		l.Execute(stop) // already stopped: nothing is known any more
		var results []Result
		for range 3 {
			select {
			case r := <-l.Results():
				results = append(results, r)
			case <-time.After(time.Minute):
				t.Fatalf("only %d results", len(results))
			}
		}
		want := map[string]string{"ip": "10.0.0.1", "gone": "1", "CRM_meta_timeout": "7000"}
		if got := results[1].Op.Params; !reflect.DeepEqual(got, want) {
			t.Errorf("the stop had %v, want %v", got, want)
		}
		if got := results[2].Op.Params; !reflect.DeepEqual(got, stop.Params) {
			t.Errorf("the second stop had %v, want its own", got)
		}
	})
}
