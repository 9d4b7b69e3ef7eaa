// Package h2ccmd is the command haresources2cib: it reads haresources and
// ha.cf, and prints or stores the CIB that [h2c.Convert] makes of them.
package h2ccmd
