// Package logd holds the commands ha_logd, the logging daemon, and ha_logger,
// which writes a line through it.
package logd
