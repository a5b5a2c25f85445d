package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// healthJSON is what a server says of itself as data.
type healthJSON struct {
	Endpoint string `json:"endpoint"`
	Status   string `json:"status"` // as grpc.health.v1 calls it
}

func healthCommand(a *app) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it serves",
		Long: `Asks a server whether it serves (grpc.health.v1). It takes no token. For the
health checks of containers, whose images have no other program that could ask.

Exit codes: 0 it serves, 5 it does not, or cannot be reached.`,
		Example: "  pemba health --endpoint localhost:50051 --insecure",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return usagef("--timeout: it must be above 0")
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			return a.health(ctx)
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long to wait for an answer")
	return c
}

func (a *app) health(ctx context.Context) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.dir != "" {
		return usagef("health is asked of a server: give --endpoint HOST:PORT, not a directory")
	}
	t.Token = "" // it takes none, and a wrong one is no reason to be unhealthy
	conn, err := dial(t.access)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // the answer is there
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	d := healthJSON{t.Endpoint, answer.GetStatus().String()}
	err = a.one([]string{"endpoint", "status"}, item{text: d.Status, cells: []string{d.Endpoint, d.Status}, value: d})
	if err == nil && answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		err = &coded{code: exitUnavailable, err: fmt.Errorf("the server at %s does not serve: /readyz says why", t.Endpoint)}
	}
	return err
}
