package simulate

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/version"
)

// nobody stands for the controller in the keys of simulated transitions.
const nobody = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

// record is the result of one operation on its way into a history.
type record struct {
	rsc      string // as the history calls it
	task     string
	interval int
	rc       int
	target   int
	reason   string
	digest   string
	// notify is the type and operation of a notification, "pre" and "start".
	notify [2]string
	// migrate is the source and the target of a migration.
	migrate [2]string
}

// write puts the record into a history under each id that it belongs to.
func (r record) write(h *history, now time.Time) {
	h.call++
	task := r.task
	if (task == "reload" || task == "reload-agent") && r.rc == 0 {
		task = "start" // A successful reload counts as a start with new parameters.
	}
	key := r.rsc + "_" + task + "_" + strconv.Itoa(r.interval)
	last := r.rsc + "_last_0"
	ids := []string{last}
	failed := r.rc != r.target
	switch {
	case task == "notify":
		ids[0] = r.rsc + "_" + r.notify[0] + "_notify_" + r.notify[1] + "_0"
		failed = false
	case r.migrate[0] != "" || task == "migrate_to" || task == "migrate_from":
		ids[0] = key
		failed = false
	case failed && r.interval > 0:
		ids = nil
	case r.interval > 0:
		ids[0] = key
	}
	if failed {
		ids = append([]string{r.rsc + "_last_failure_0"}, ids...)
	}
	for _, id := range ids {
		r.fill(h.op(id), key, task, h.call, now)
	}
}

func (r record) fill(o *cib.Element, key, task string, call int, now time.Time) {
	tkey := fmt.Sprintf("%d:-1:%d:%s", call, r.target, nobody)
	set(o, "operation_key", key, "operation", task, "crm-debug-origin", origin, "crm_feature_set", version.FeatureSet,
		"transition-key", tkey, "transition-magic", fmt.Sprintf("0:%d;%s", r.rc, tkey), "exit-reason", r.reason,
		"call-id", strconv.Itoa(call), "rc-code", strconv.Itoa(r.rc), "op-status", "0",
		"interval", strconv.Itoa(r.interval), "last-rc-change", strconv.FormatInt(now.Unix(), 10), "exec-time", "0", "queue-time", "0")
	if r.migrate[0] != "" {
		set(o, "migrate_source", r.migrate[0], "migrate_target", r.migrate[1])
	}
	if r.digest != "" {
		set(o, "op-digest", r.digest)
	}
}

// digest is the fingerprint of the parameters of an action: those of the agent
// and, for a recurring operation, its timeout.
func digest(a *pengine.GraphAction, interval int) string {
	var ps []pengine.Param
	for _, p := range a.Params {
		meta := strings.HasPrefix(p.Name, "CRM_meta_")
		if p.Name == "id" || p.Name == "crm_feature_set" || p.Name == "pcmk_external_ip" || meta && !(interval > 0 && p.Name == "CRM_meta_timeout") {
			continue
		}
		ps = append(ps, p)
	}
	slices.SortStableFunc(ps, func(x, y pengine.Param) int { return strings.Compare(x.Name, y.Name) })
	e := cib.New("parameters")
	for _, p := range ps {
		e.Attrs = append(e.Attrs, cib.Attr{Name: p.Name, Value: p.Value})
	}
	sum := md5.Sum([]byte(" " + string(cib.PrintCompact(e)) + "\n"))
	return hex.EncodeToString(sum[:])
}
