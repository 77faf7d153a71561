// Package service answers about the service itself: whether it lives, whether it can work, and what its contract is.
package service
