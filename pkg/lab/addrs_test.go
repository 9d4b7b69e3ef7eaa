package lab

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// addrMessage is an RTM_NEWADDR message as the kernel sends it.
func addrMessage(seq uint32, kind uint16, attrs ...[]byte) []byte {
	b := make([]byte, unix.SizeofNlMsghdr+unix.SizeofIfAddrmsg)
	for i := 0; i < len(attrs); i += 2 {
		b = binary.NativeEndian.AppendUint16(b, uint16(4+len(attrs[i+1])))
		b = binary.NativeEndian.AppendUint16(b, uint16(attrs[i][0]))
		b = append(b, attrs[i+1]...)
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint32(b[8:], seq)
	return b
}

func TestScanAddrs(t *testing.T) {
	want := netip.MustParseAddr("192.168.71.205").AsSlice()
	peer := []byte{192, 168, 71, 9}
	local, address := []byte{unix.IFA_LOCAL}, []byte{unix.IFA_ADDRESS}
	end := addrMessage(7, unix.NLMSG_DONE)
	for _, tc := range []struct {
		name  string
		b     []byte
		found bool
		done  bool
	}{
		{"local", addrMessage(7, unix.RTM_NEWADDR, local, want), true, false},
		{"no local", append(addrMessage(7, unix.RTM_NEWADDR, address, want), end...), true, true},
		{"only the peer has it", append(addrMessage(7, unix.RTM_NEWADDR, address, want, local, peer), end...), false, true},
		{"of another dump", append(addrMessage(6, unix.RTM_NEWADDR, local, want), end...), false, true},
		{"cut", addrMessage(7, unix.RTM_NEWADDR, local, want)[:20], false, true},
		{"nothing", nil, false, false},
	} {
		if found, done := scanAddrs(tc.b, 7, want); found != tc.found || done != tc.done {
			t.Errorf("%s: found %v, done %v", tc.name, found, done)
		}
	}
}

func FuzzScanAddrs(f *testing.F) {
	want := []byte{192, 168, 71, 205}
	f.Add(addrMessage(7, unix.RTM_NEWADDR, []byte{unix.IFA_LOCAL}, want))
	f.Add(addrMessage(7, unix.NLMSG_DONE))
	f.Fuzz(func(t *testing.T, b []byte) {
		if found, _ := scanAddrs(b, 7, want); found && len(b) < unix.SizeofNlMsghdr+unix.SizeofIfAddrmsg+8 {
			t.Errorf("an address in %d bytes", len(b))
		}
	})
}
