package campaign

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/lab"
)

type wireAnswer = lab.Answer

// logMarks are the sizes of the daemons' logs: what is written later belongs to
// the next fault.
func (k *cluster) logMarks() map[string]int64 {
	out := map[string]int64{}
	for _, name := range k.names {
		if st, err := os.Stat(k.logFile(name)); err == nil {
			out[name] = st.Size()
		}
	}
	return out
}

func (k *cluster) logFile(name string) string {
	return filepath.Join(k.nodes[name].Dir(), filepath.Base(program)+".log")
}

// logSince returns the lines of a daemon's log after a mark.
func (k *cluster) logSince(name string, marks map[string]int64) []string {
	b, err := os.ReadFile(k.logFile(name))
	if err != nil || int64(len(b)) < marks[name] {
		return nil
	}
	return strings.Split(string(b[marks[name]:]), "\n")
}

// logStamp is the shape of the time in a log line.
const logStamp = "2006/01/02_15:04:05.000"

func lineTime(line string) (time.Time, bool) {
	f := strings.Fields(line)
	if len(f) < 2 {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(logStamp, f[1], time.Local)
	return t, err == nil
}

// phases are the moments of a fail-over since the fault, by the logs of the
// nodes that live on: the last of them to see it dead, the view, the graph, the
// start, and what the client saw.
func (k *cluster) phases(marks map[string]int64, at time.Time, to string, begin, end time.Time) map[string]float64 {
	out := map[string]float64{"last-answer": ms(begin.Sub(at)), "first-answer": ms(end.Sub(at))}
	for _, h := range k.sampler.History() {
		if h.At.After(at) && slices.Contains(h.Owners, to) {
			out["address"] = ms(h.At.Sub(at))
			break
		}
	}
	wall := at.Round(0)
	for _, name := range k.names {
		for _, line := range k.logSince(name, marks) {
			t, ok := lineTime(line)
			if !ok || k.daemons[name] == nil {
				continue
			}
			for key, text := range map[string]string{"dead": " counts as dead: ", "integration": "-> S_INTEGRATION", "pengine": "-> S_POLICY_ENGINE",
				"graph": "-> S_TRANSITION_ENGINE", "command": "Performing op=" + resource + "_start_0", "started": "operation " + resource + "_start_0"} {
				if !strings.Contains(line, text) {
					continue
				}
				since := ms(t.Sub(wall))
				if _, seen := out[key]; !seen || key == "dead" && since > out[key] {
					out[key] = since
				}
			}
		}
	}
	return out
}

func phaseText(phases map[string]float64) string {
	keys := slices.SortedFunc(maps.Keys(phases), func(a, b string) int {
		switch {
		case phases[a] < phases[b]:
			return -1
		case phases[a] > phases[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
	var out []string
	for _, key := range keys {
		out = append(out, fmt.Sprintf("%s %.0f", key, phases[key]))
	}
	return strings.Join(out, ", ")
}
