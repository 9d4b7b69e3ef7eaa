// Package authkeys reads authkeys, the file of the keys that sign heartbeats.
//
//	auth N
//	N METHOD [KEY]
//
// Methods are crc, md5 and sha1, and as additions sha256 and aes-gcm. Keys are
// secrets: no message of this package repeats one.
package authkeys
