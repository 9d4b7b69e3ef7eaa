package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/member"
)

// changeVoter serves VerbVoter. The change goes to the DC like an edit.
func (d *Daemon) changeVoter(who caller, req *client.Request, reply member.Reply) {
	if req.Voter == nil || req.Voter.Name == "" {
		reply(cli.ExitUsage, "the change of the electorate names no node")
		return
	}
	c := *req.Voter
	c.Name = strings.ToLower(c.Name)
	d.log.Info(fmt.Sprintf("%s (pid %d) of %s asks to %s", who.prog, who.pid, who.user, voterChange(c)), "component", "ccm")
	id := req.RequestID
	if id == "" {
		id = uuid.NewString()
	}
	d.edits.EditWithin(time.Now(), d.voterBound(), id, encodeVoter(c), reply)
}

// voterBound is how long a change of the electorate may take: it waits until no
// lost node can hold a right to run any more.
func (d *Daemon) voterBound() time.Duration { return member.EditTimeout + 2*d.info.takeover }

// voterPrefix tells a change of the electorate from an encoded cib.Op, which
// never begins like this.
var voterPrefix = []byte("voter:")

func encodeVoter(c ccm.VoterChange) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // only strings and numbers
	}
	return append(bytes.Clone(voterPrefix), b...)
}

func decodeVoter(op []byte) (c ccm.VoterChange, ok bool) {
	text, ok := bytes.CutPrefix(op, voterPrefix)
	return c, ok && json.Unmarshal(text, &c) == nil
}

// voterChange puts a change into words.
func voterChange(c ccm.VoterChange) string {
	switch {
	case c.Remove:
		return "remove " + c.Name + " from the cluster"
	case c.Arbiter:
		return fmt.Sprintf("add the arbiter %s with %d votes", c.Name, c.Weight)
	}
	return fmt.Sprintf("give %s %d votes", c.Name, c.Weight)
}
