// Package rolling holds what people notice of an upgrade behind a load balancer: nothing. haproxy.cfg is an example to copy.
package rolling
