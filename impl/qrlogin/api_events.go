package qrlogin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// heartbeat is how often a silent stream says that it is alive, for proxies that cut silent connections.
const heartbeat = 15 * time.Second

// StreamQRCodeEvents tells the creator of a QR code how the login comes on, as it does.
func (a *API) StreamQRCodeEvents(ctx context.Context, req gen.StreamQRCodeEventsRequestObject) (gen.StreamQRCodeEventsResponseObject, error) {
	told, _ := strconv.Atoi(optional.Value(req.Params.LastEventID)) // of digits, so an error is a number that nobody was told
	watch, err := a.service.Watch(ctx, req.Params.QrcodeID, told)
	if err != nil {
		return nil, err
	}
	if watch.Ended() {
		watch.Close()
		return gen.StreamQRCodeEvents204Response{}, nil
	}
	context.AfterFunc(ctx, watch.Close) // the text is read, and the context ends, after the generated code has returned
	never := "no-store"
	return gen.StreamQRCodeEvents200TextEventStreamResponse{
		Body: newEventReader(ctx, watch, heartbeat), Headers: gen.StreamQRCodeEvents200ResponseHeaders{CacheControl: &never},
	}, nil
}

// eventReader is the text of a stream of events (HTML Living Standard, section 9.2). Reading waits for the next one.
type eventReader struct {
	ctx   context.Context
	watch *Watch
	beat  time.Duration
	text  bytes.Buffer // that is still to be read
}

func newEventReader(ctx context.Context, w *Watch, beat time.Duration) *eventReader {
	r := &eventReader{ctx: ctx, watch: w, beat: beat}
	fmt.Fprintf(&r.text, "retry: %d\n\n", PollInterval.Milliseconds())
	return r
}

// Read implements io.Reader.
func (r *eventReader) Read(p []byte) (int, error) {
	if r.text.Len() == 0 {
		event, err := r.watch.Next(r.ctx, r.beat)
		switch {
		case errors.Is(err, ErrQuiet):
			r.text.WriteString(":\n\n")
		case err != nil:
			return 0, err
		default:
			data, err := json.Marshal(statusDto(event.Status))
			if err != nil {
				return 0, err
			}
			fmt.Fprintf(&r.text, "id: %d\nevent: status\ndata: %s\n\n", event.ID, data)
		}
	}
	return r.text.Read(p)
}
