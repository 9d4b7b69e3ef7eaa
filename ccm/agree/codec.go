package agree

import "fmt"

// Every frame: the magic byte, the protocol version, the cluster identity, the
// kind, the body. The order of the first two never changes in any version.
const magic = 0xA9

// Encode returns the frame of a message for the cluster.
func Encode(cluster uint64, m Message) []byte { return Append(make([]byte, 0, 96), cluster, m) }

// Append is [Encode] into memory that is there already.
func Append(dst []byte, cluster uint64, m Message) []byte {
	e := encoder{b: dst}
	e.u8(magic)
	e.u8(ProtocolVersion)
	e.fix64(cluster)
	e.u8(m.kind())
	m.put(&e)
	return e.b
}

// Decode reads a frame. Errors: [VersionError], [ErrCluster], [ErrFrame]. The
// message may share memory with the frame.
func Decode(cluster uint64, frame []byte) (Message, error) {
	d := &decoder{b: frame}
	if d.u8() != magic {
		return nil, fmt.Errorf("magic byte: %w", ErrFrame)
	}
	if v := d.u8(); d.err == nil && v != ProtocolVersion {
		return nil, &VersionError{Version: int(v)}
	}
	if c := d.fix64(); d.err == nil && c != cluster {
		return nil, fmt.Errorf("frame belongs to the cluster %016x, this node to %016x: %w", c, cluster, ErrCluster)
	}
	m := d.message(d.u8())
	if err := d.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Beat) put(e *encoder) {
	e.int(m.Sent)
	e.names(m.Row)
	e.uint(m.Mask)
	e.fix64(m.Seed)
	e.ballot(m.Promised)
	e.ballot(m.Stamped)
	e.ballot(m.Open)
	e.str(m.Disk)
	e.fix64(m.Config)
	e.bool(m.Unfit)
	e.fix64(m.List)
	e.bool(m.Free)
}
func (m *Echo) put(e *encoder)    { e.uint(m.Incarnation); e.int(m.Sent); e.ballot(m.Promised) }
func (m *Leaving) put(e *encoder) { e.bool(m.Released) }
func (m *Left) put(e *encoder)    { e.uint(m.Incarnation) }
func (m *Propose) put(e *encoder) { e.ballot(m.Ballot); e.members(m.Members); e.names(m.Row) }
func (m *Promise) put(e *encoder) {
	e.ballot(m.Ballot)
	e.ballot(m.Stamped)
	e.uint(m.Seq)
	e.str(m.Disk)
	e.fix64(m.Seed)
	e.bool(m.Free)
	e.ballot(m.Alone)
	e.uint(m.Edits)
	e.bytes(m.Rank)
	e.uint(uint64(len(m.Ages)))
	for _, name := range sortedKeys(m.Ages) {
		e.str(name)
		e.int(m.Ages[name])
	}
	e.int(m.Since)
}
func (m *Nack) put(e *encoder)  { e.ballot(m.Ballot); e.ballot(m.Promised) }
func (m *Fetch) put(e *encoder) { e.ballot(m.Ballot) }
func (m *State) put(e *encoder) { e.ballot(m.Ballot); e.ballot(m.Stamped); e.snapshot(&m.Snapshot) }
func (m *Sync) put(e *encoder) {
	e.ballot(m.Ballot)
	e.bool(m.Same)
	e.snapshot(&m.Snapshot)
	e.bytes(m.Digest)
	e.ballot(m.Alone)
}
func (m *Synced) put(e *encoder) { e.ballot(m.Ballot); e.bool(m.Need) }
func (m *Open) put(e *encoder)   { e.ballot(m.Ballot) }
func (m *Changes) put(e *encoder) {
	e.ballot(m.Ballot)
	e.uint(uint64(len(m.List)))
	for i := range m.List {
		e.change(&m.List[i])
	}
}
func (m *Ack) put(e *encoder)  { e.ballot(m.Ballot); e.uint(m.Seq) }
func (m *Tail) put(e *encoder) { e.ballot(m.Ballot); e.uint(m.From); e.bool(m.Whole) }

func (m *Payload) put(e *encoder) { e.bytes(m.Data) }
func (m *Refuse) put(e *encoder)  { e.ballot(m.Stamped) }

func (e *encoder) snapshot(s *Snapshot) { e.uint(s.Seq); e.meta(&s.Meta); e.bytes(s.App) }
func (d *decoder) snapshot() Snapshot {
	return Snapshot{Seq: d.uint(), Meta: d.meta(), App: d.bytes()}
}

func (d *decoder) message(kind uint8) Message {
	switch kind {
	case kBeat:
		return &Beat{Sent: d.int(), Row: d.names(), Mask: d.uint(), Seed: d.fix64(), Promised: d.ballot(), Stamped: d.ballot(), Open: d.ballot(), Disk: d.str(), Config: d.fix64(), Unfit: d.bool(), List: d.fix64(), Free: d.bool()}
	case kEcho:
		return &Echo{Incarnation: d.uint(), Sent: d.int(), Promised: d.ballot()}
	case kLeaving:
		return &Leaving{Released: d.bool()}
	case kLeft:
		return &Left{Incarnation: d.uint()}
	case kPropose:
		return &Propose{Ballot: d.ballot(), Members: d.members(), Row: d.names()}
	case kPromise:
		m := &Promise{Ballot: d.ballot(), Stamped: d.ballot(), Seq: d.uint(), Disk: d.str(), Seed: d.fix64(), Free: d.bool(), Alone: d.ballot(), Edits: d.uint(), Rank: d.bytes(), Ages: map[string]int64{}}
		for range d.count(maxNodes) {
			name := d.str()
			m.Ages[name] = d.int()
		}
		m.Since = d.int()
		return m
	case kNack:
		return &Nack{Ballot: d.ballot(), Promised: d.ballot()}
	case kFetch:
		return &Fetch{Ballot: d.ballot()}
	case kState:
		return &State{Ballot: d.ballot(), Stamped: d.ballot(), Snapshot: d.snapshot()}
	case kSync:
		return &Sync{Ballot: d.ballot(), Same: d.bool(), Snapshot: d.snapshot(), Digest: d.bytes(), Alone: d.ballot()}
	case kSynced:
		return &Synced{Ballot: d.ballot(), Need: d.bool()}
	case kOpen:
		return &Open{Ballot: d.ballot()}
	case kChanges:
		m := &Changes{Ballot: d.ballot()}
		for range d.count(1 << 20) {
			m.List = append(m.List, d.change())
			if d.err != nil {
				break
			}
		}
		return m
	case kAck:
		return &Ack{Ballot: d.ballot(), Seq: d.uint()}
	case kTail:
		return &Tail{Ballot: d.ballot(), From: d.uint(), Whole: d.bool()}
	case kRefuse:
		return &Refuse{Stamped: d.ballot()}
	case kPayload:
		return &Payload{Data: d.bytes()}
	}
	d.fail(fmt.Sprintf("message of unknown kind %d", kind))
	return nil
}
