package outside

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Bounds of what is asked of a provider.
const (
	askTime   = 10 * time.Second // for one request, with its answer
	maxAnswer = 1 << 20          // bytes that are read of one
)

var errAddress = errors.New("this address is not for identity providers")

// newHTTP returns the client by which providers are asked. It follows no redirects,
// reads little, and does not connect to addresses at which machines tell one another
// their secrets: those of the link alone and, unless loopback is set, of this
// machine. The address is judged when the connection is made, whatever name led to
// it.
func newHTTP(loopback bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: askTime,
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			ip := at.Addr().Unmap()
			if ip.IsLoopback() && loopback || ip.IsGlobalUnicast() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
				return nil
			}
			return errAddress
		},
	}
	return &http.Client{
		Timeout: askTime,
		Transport: bounded{&http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
			TLSHandshakeTimeout: askTime, ResponseHeaderTimeout: askTime, IdleConnTimeout: time.Minute, MaxIdleConns: 16,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded reads only so much of an answer.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
