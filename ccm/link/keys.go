package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"slices"
)

// Method is a way to authenticate frames, as authkeys names it.
type Method string

// The methods. CRC finds damage only; MD5, SHA1 and SHA256 are HMACs; AESGCM
// also hides the payload.
const (
	CRC    Method = "crc"
	MD5    Method = "md5"
	SHA1   Method = "sha1"
	SHA256 Method = "sha256"
	AESGCM Method = "aes-gcm"
)

// Methods lists every method, in the order of their numbers in frames.
func Methods() []Method { return []Method{CRC, MD5, SHA1, SHA256, AESGCM} }

// number is the method's number in frames, 0 if there is no such method.
func (m Method) number() byte { return byte(slices.Index(Methods(), m) + 1) }

// NeedsSecret reports whether a key of this method must have a secret. CRC must
// not have one.
func (m Method) NeedsSecret() bool { return m != CRC }

// Key is one line of authkeys.
type Key struct {
	Method Method
	Secret []byte
}

// Keys is the content of authkeys: Sign is the number of the key that signs what
// this node sends; every key of ByID (numbers 0 to 15) is accepted on input.
type Keys struct {
	Sign int
	ByID map[int]Key
}

// Validate returns one sentence on the first thing that makes the keys unusable.
func (k Keys) Validate() error {
	for id, key := range k.ByID {
		switch {
		case id < 0 || id > 15:
			return fmt.Errorf("%w: key number %d is not between 0 and 15", ErrKeys, id)
		case key.Method.number() == 0:
			return fmt.Errorf("%w: key %d: unknown method %q; use one of %v", ErrKeys, id, key.Method, Methods())
		case key.Method.NeedsSecret() && len(key.Secret) == 0:
			return fmt.Errorf("%w: key %d: method %s needs a secret", ErrKeys, id, key.Method)
		}
	}
	if _, ok := k.ByID[k.Sign]; !ok {
		return fmt.Errorf("%w: key %d, which is to sign, is not listed", ErrKeys, k.Sign)
	}
	return nil
}

// clone copies the keys, so that the caller may change its own.
func (k Keys) clone() *Keys {
	c := &Keys{Sign: k.Sign, ByID: make(map[int]Key, len(k.ByID))}
	for id, key := range k.ByID {
		c.ByID[id] = Key{Method: key.Method, Secret: slices.Clone(key.Secret)}
	}
	return c
}

// sealKey names the AES key of one life of one sender: nonces are counted per
// life, so no two lives may share a key.
type sealKey struct {
	id   int
	life uint64
	from string
}

// authenticator makes and checks codes. It belongs to one goroutine.
type authenticator struct {
	keys    *Keys
	cluster uint32
	macs    [16]hash.Hash
	aeads   map[sealKey]cipher.AEAD
	sum     []byte
}

const maxAEADs = 256

func newAuthenticator(keys *Keys, cluster uint32) *authenticator {
	a := &authenticator{keys: keys, cluster: cluster, aeads: map[sealKey]cipher.AEAD{}}
	for id, key := range keys.ByID {
		switch key.Method {
		case CRC:
			a.macs[id] = crc32.NewIEEE()
		case MD5:
			a.macs[id] = hmac.New(md5.New, key.Secret)
		case SHA1:
			a.macs[id] = hmac.New(sha1.New, key.Secret)
		case SHA256:
			a.macs[id] = hmac.New(sha256.New, key.Secret)
		}
	}
	return a
}

// overhead is the number of bytes the signing method appends.
func (a *authenticator) overhead() int {
	if a.keys.ByID[a.keys.Sign].Method == AESGCM {
		return 16
	}
	return a.macs[a.keys.Sign].Size()
}

// mac appends the code of data with key id to dst.
func (a *authenticator) mac(id int, dst, data []byte) []byte {
	h := a.macs[id]
	h.Reset()
	h.Write(data)
	return h.Sum(dst)
}

// aead returns the cipher for one life of a sender.
func (a *authenticator) aead(k sealKey) cipher.AEAD {
	if c, ok := a.aeads[k]; ok {
		return c
	}
	h := hmac.New(sha256.New, a.keys.ByID[k.id].Secret)
	var b [12]byte
	binary.BigEndian.PutUint32(b[:], a.cluster)
	binary.BigEndian.PutUint64(b[4:], k.life)
	h.Write([]byte("quorate frame key\x00"))
	h.Write(b[:])
	h.Write([]byte(k.from))
	block, err := aes.NewCipher(h.Sum(nil))
	if err != nil {
		panic(err) // 32 bytes are always a key
	}
	c, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return c
}

// keep remembers a cipher once a frame has shown that the life is real; garbage
// must not fill memory.
func (a *authenticator) keep(k sealKey, c cipher.AEAD) {
	if _, ok := a.aeads[k]; ok {
		return
	}
	if len(a.aeads) >= maxAEADs {
		clear(a.aeads)
	}
	a.aeads[k] = c
}
