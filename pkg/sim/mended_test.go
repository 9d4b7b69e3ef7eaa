package sim

import "testing"

// Runs in which the model was mistaken once, made small by the campaign.
func TestRunsThatWereMistaken(t *testing.T) {
	for name, text := range map[string]string{
		"a change is committed in the moment in which its view is told": `nodes n1 n2
keepalive 10s
deadtime 50s
votes n1 250
votes n2 200
steady
seed 452724
resources 1
at 3m20s upon open cut n2 n1 for 33s
at 3m20s cut n1 n2 for 1m38s
at 5m22.5s standby n1
end at 5m30s
`,
		"a machine freezes while a daemon that begins releases what another left": `nodes n1 n2
keepalive 10s
deadtime 50s
arbiter arbiter
steady
seed 3000038
at 3m20s kill n2 for 19.663s
at 3m40s freeze n2 for 1m28s
end at 5m30s
`,
		"what a check found fallen is stopped at the end of the lease, for its node to tell": `nodes 3
steady
seed 1
at 1m1s expect db on n2
at 1m1s fail db on n2
at 1m1.5s isolate n2 for 4m
end at 6m
`,
		"a failure is stamped by the clock by which it expires, whatever the calendar says": `nodes n1 n2
keepalive 10s
deadtime 50s
arbiter arbiter
seed 8000888
at 3m22s isolate n1 for 1m49s
at 10m12s cut arbiter n1 for 51s
at 10m15s upon view kill n2 for 2m45s
at 13m28s cut n1 arbiter for 54s
at 13m29s isolate n2 for 2m25s
at 13m47s disk n2 torn
at 13m56s agent ip on n1 hangs start for 3m4s
at 15m12s clock n1 jump 1h34m49s
at 16m34s upon sync kill arbiter for 2m12s
at 17m28s cut n1 arbiter for 49s
at 17m32s loss n1 arbiter 32.8% for 1m4s
end at 20m10s
`,
	} {
		t.Run(name, func(t *testing.T) {
			sc, err := Parse([]byte(text), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Run(sc, Options{Seed: 1, Tell: func(l string) { t.Log(l) }})
			if err != nil {
				t.Fatal(err)
			}
			if r.Violation != nil {
				t.Error(r.Violation)
			}
		})
	}
}
