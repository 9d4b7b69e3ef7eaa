package link

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"hash/fnv"
)

// ProtocolVersion is the version of the frames this program speaks. The first
// three bytes of a frame mean the same in every version.
const ProtocolVersion = 1

// maxFrame is the largest frame: an Ethernet payload less IPv6, UDP and a tunnel.
const maxFrame = 1400

// maxName is the longest node name, as of old.
const maxName = 100

// kind tells what a frame is for.
type kind byte

const (
	kindBeat     kind = iota + 1 // from Broadcast
	kindDatagram                 // from Datagram
	kindData                     // a fragment of a message
	kindAck                      // of fragments
	kindGossip                   // a packet of memberlist
	kindHello                    // empty: shows the receiver a path
	kindLast
)

// nodeStatus is what a node says of itself in every frame.
type nodeStatus byte

const (
	statusInit nodeStatus = iota
	statusUp
	statusActive
)

func (s nodeStatus) String() string {
	return [...]string{"init", "up", "active"}[min(s, statusActive)]
}

// frame is a decoded frame. Layout, numbers in big-endian order:
//
//	 0  2  "QR"
//	 2  1  protocol version
//	 3  1  kind
//	 4  1  number of the key
//	 5  1  number of the method
//	 6  4  hash of the cluster's name and id
//	10  8  life: when the sender started, in milliseconds since 1970, times
//	       65536, plus 16 random bits
//	18  8  incarnation of the sender
//	26  8  sent: microseconds since the life began
//	34  4  echo: sent (low 32 bits) of the receiver's last frame on this path,
//	       plus the time it was held; 0 if there is none
//	38  2  flow: which of the sender's targets this is
//	40  8  number in the flow, from 1
//	48  1  status of the sender
//	49  1  length of from, then from: the sender
//	    1  length of to, then to: the receiver, empty if for all or unknown
//	       payload; with aes-gcm encrypted
//	       code, as long as the method makes it
type frame struct {
	kind        kind
	life        uint64
	incarnation uint64
	sent        uint64
	echo        uint32
	flow        uint16
	seq         uint64
	status      nodeStatus
	from        string
	to          string
	payload     []byte // of the receive buffer, until copied
}

const fixedHeader = 49

// Causes of dropping a frame. Each is counted.
var (
	errGarbage = errors.New("not a frame")
	errVersion = errors.New("another protocol version")
	errCluster = errors.New("another cluster")
	errKey     = errors.New("a key that is not in authkeys")
	errMAC     = errors.New("a wrong code: another key, or damaged")
	errReplay  = errors.New("seen before")
	errStale   = errors.New("older than what was heard")
	errUnknown = errors.New("from a node that is not in ha.cf")
	errOwnName = errors.New("from another machine with our own name")
)

// clusterHash tells clusters on one wire apart.
func clusterHash(name, id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write([]byte(id))
	return h.Sum32()
}

// encode appends the frame, signed, to dst[:0] and returns it.
func (f *frame) encode(dst []byte, a *authenticator) []byte {
	id := a.keys.Sign
	method := a.keys.ByID[id].Method
	b := append(dst[:0], 'Q', 'R', ProtocolVersion, byte(f.kind), byte(id), method.number())
	b = binary.BigEndian.AppendUint32(b, a.cluster)
	b = binary.BigEndian.AppendUint64(b, f.life)
	b = binary.BigEndian.AppendUint64(b, f.incarnation)
	b = binary.BigEndian.AppendUint64(b, f.sent)
	b = binary.BigEndian.AppendUint32(b, f.echo)
	b = binary.BigEndian.AppendUint16(b, f.flow)
	b = binary.BigEndian.AppendUint64(b, f.seq)
	b = append(b, byte(f.status), byte(len(f.from)))
	b = append(b, f.from...)
	b = append(b, byte(len(f.to)))
	b = append(b, f.to...)
	if method == AESGCM {
		var nonce [12]byte
		f.nonce(&nonce)
		k := sealKey{id, f.life, f.from}
		c := a.aead(k)
		a.keep(k, c)
		return c.Seal(b, nonce[:], f.payload, b)
	}
	b = append(b, f.payload...)
	return a.mac(id, b, b)
}

func (f *frame) nonce(n *[12]byte) {
	binary.BigEndian.PutUint16(n[:], f.flow)
	binary.BigEndian.PutUint64(n[4:], f.seq)
}

// names interns node names, so that decoding allocates none.
type names map[string]string

func (n names) intern(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	return string(b)
}

// decode checks b and fills f from it. f.payload shares memory with b, which
// decryption overwrites. The error is one of the causes above; errVersion comes
// before anything else is looked at, the rest of f is then meaningless.
func (f *frame) decode(b []byte, a *authenticator, known names) error {
	if len(b) < 3 || b[0] != 'Q' || b[1] != 'R' {
		return errGarbage
	}
	if b[2] != ProtocolVersion {
		return errVersion
	}
	if len(b) < fixedHeader+3 || len(b) > maxFrame {
		return errGarbage
	}
	nFrom := int(b[49])
	if nFrom == 0 || nFrom > maxName || len(b) < 50+nFrom+1 {
		return errGarbage
	}
	nTo := int(b[50+nFrom])
	head := 51 + nFrom + nTo
	if nTo > maxName || len(b) < head {
		return errGarbage
	}
	f.kind = kind(b[3])
	f.status = nodeStatus(b[48])
	if f.kind == 0 || f.kind >= kindLast || f.status > statusActive {
		return errGarbage
	}
	if binary.BigEndian.Uint32(b[6:]) != a.cluster {
		return errCluster
	}
	id := int(b[4])
	key, ok := a.keys.ByID[id]
	if !ok || key.Method.number() != b[5] {
		return errKey
	}
	f.life = binary.BigEndian.Uint64(b[10:])
	f.incarnation = binary.BigEndian.Uint64(b[18:])
	f.sent = binary.BigEndian.Uint64(b[26:])
	f.echo = binary.BigEndian.Uint32(b[34:])
	f.flow = binary.BigEndian.Uint16(b[38:])
	f.seq = binary.BigEndian.Uint64(b[40:])
	f.from = known.intern(b[50 : 50+nFrom])
	f.to = known.intern(b[51+nFrom : head])
	if key.Method == AESGCM {
		var nonce [12]byte
		f.nonce(&nonce)
		k := sealKey{id, f.life, f.from}
		c := a.aead(k)
		p, err := c.Open(b[head:head], nonce[:], b[head:], b[:head])
		if err != nil {
			return errMAC
		}
		a.keep(k, c)
		f.payload = p
		return nil
	}
	end := len(b) - a.macs[id].Size()
	if end < head {
		return errGarbage
	}
	a.sum = a.mac(id, a.sum[:0], b[:end])
	if !hmac.Equal(a.sum, b[end:]) {
		return errMAC
	}
	f.payload = b[head:end]
	return nil
}
