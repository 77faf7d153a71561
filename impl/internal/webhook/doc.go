// Package webhook calls programs of the operator's: requests as Standard Webhooks has them
// (https://github.com/standard-webhooks/standard-webhooks), over a connection that is bounded in every way. It tells its
// callers what happened and leaves them to judge.
package webhook
