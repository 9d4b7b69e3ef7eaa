package sim

import (
	"fmt"
	"sort"
	"strings"

	"github.com/quorate/quorate/ccm/agree"
)

// Plant is a set of faults put into the product, to see that the simulator finds
// them.
type Plant struct {
	// Agree are the rules left out of the agreement.
	Agree agree.Plant
	// bits are those of this package.
	bits plantBits
}

type plantBits uint32

// Faults in what the simulator carries out itself.
const (
	// PlantForgetPromise: promises are not written to the disk.
	PlantForgetPromise plantBits = 1 << iota
	// PlantEarlyAck: messages leave before the write they rely on.
	PlantEarlyAck
	// PlantHalfSync: a state that is taken over is not written at once with its
	// stamp.
	PlantHalfSync
	// PlantWake: a node that wakes up begins what waited before it looks whether
	// it still may.
	PlantWake
	// PlantDupCommand: a command that comes twice is executed twice.
	PlantDupCommand
	// PlantNoInFlight: operations in flight are not reported at the join.
	PlantNoInFlight
	// PlantOrphan: what a dead daemon left is not stopped by the next one.
	PlantOrphan
	// PlantNoGuard: nobody releases what a dead daemon left.
	PlantNoGuard
)

// Has reports whether a fault of this package is planted.
func (p Plant) Has(b plantBits) bool { return p.bits&b != 0 }

// plants are all faults by name.
var plants = map[string]Plant{
	"nouniq":         {Agree: agree.PlantNoUniq},
	"nobind":         {Agree: agree.PlantNoBind},
	"nostamp":        {Agree: agree.PlantNoStamp},
	"dupsync":        {Agree: agree.PlantDupSync},
	"nocert":         {Agree: agree.PlantNoCert},
	"restartage":     {Agree: agree.PlantRestartAge},
	"nocheck":        {Agree: agree.PlantNoCheck},
	"hearlease":      {Agree: agree.PlantHearLease},
	"recvbase":       {Agree: agree.PlantRecvBase},
	"dconly":         {Agree: agree.PlantDCOnly},
	"nojoint":        {Agree: agree.PlantNoJoint},
	"anyballot":      {Agree: agree.PlantAnyBallot},
	"tokeninstalled": {Agree: agree.PlantTokenInstalled},
	"diskvote":       {Agree: agree.PlantDiskVote},
	"votetwice":      {Agree: agree.PlantVoteTwice},
	"forgetpromise":  {bits: PlantForgetPromise},
	"earlyack":       {bits: PlantEarlyAck},
	"halfsync":       {bits: PlantHalfSync},
	"wake":           {bits: PlantWake},
	"dupcmd":         {bits: PlantDupCommand},
	"noinflight":     {bits: PlantNoInFlight},
	"orphan":         {bits: PlantOrphan},
	"noguard":        {bits: PlantNoGuard},
}

// PlantNames lists the faults that can be planted, sorted.
func PlantNames() []string {
	var out []string
	for n := range plants {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// ParsePlant reads names separated by commas; "" plants nothing.
func ParsePlant(list string) (Plant, error) {
	var p Plant
	for _, n := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		q, ok := plants[n]
		if !ok {
			return p, fmt.Errorf("planted fault %q is not known; there are %s", n, strings.Join(PlantNames(), ", "))
		}
		p.Agree |= q.Agree
		p.bits |= q.bits
	}
	return p, nil
}
