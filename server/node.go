package server

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/replica"
)

// nodeService is pemba.console.v1.NodeService. series.go counts, logring.go keeps
// the log, node_facts.go has the shapes of what it answers.
type nodeService struct {
	consolev1.UnimplementedNodeServiceServer
	*Server
}

const (
	defaultLogLines   = 100
	maxProfile        = 3 << 20 // bytes: clients accept messages of 4 MiB by default
	defaultCPUSeconds = 10
	maxCPUSeconds     = 30
)

// here returns the id of this node. It refuses a request that is meant for
// another one, and says where that one is.
func (s *Server) here(ctx context.Context, wanted string) (string, error) {
	self := s.replica.Status().ID
	if wanted == "" || wanted == self {
		return self, nil
	}
	if err := memberID(wanted); err != nil {
		return "", err
	}
	c, err := s.replica.Cluster(ctx)
	if err != nil {
		return "", err
	}
	for i := range c.Members {
		if m := &c.Members[i]; m.ID == wanted {
			at := ""
			if m.Reachable {
				at = fmt.Sprintf(", gRPC at %s and HTTP at %s", cmp.Or(m.Roster["grpc"], "an address that it does not tell"), cmp.Or(m.Roster["http"], "one that it does not tell"))
			}
			return "", &replica.ClusterError{Fault: replica.ClusterState, Msg: fmt.Sprintf("this is node %s, which answers for itself alone: ask node %s%s", self, wanted, at)}
		}
	}
	return "", &replica.ClusterError{Fault: replica.ClusterNoMember, Msg: fmt.Sprintf("there is no member %q", wanted)}
}

// ReadSeries gives what the node did lately.
func (s *nodeService) ReadSeries(ctx context.Context, r *consolev1.ReadSeriesRequest) (*consolev1.ReadSeriesResponse, error) {
	node, err := s.here(ctx, r.OptionalNode)
	if err != nil {
		return nil, err
	}
	return &consolev1.ReadSeriesResponse{Node: node, Interval: durationpb.New(SeriesInterval), Points: s.series.read()}, nil
}

// DescribeNode gives the facts of the moment.
func (s *nodeService) DescribeNode(ctx context.Context, r *consolev1.DescribeNodeRequest) (*consolev1.DescribeNodeResponse, error) {
	node, err := s.here(ctx, r.OptionalNode)
	if err != nil {
		return nil, err
	}
	st := s.replica.Status()
	return &consolev1.DescribeNodeResponse{
		Node: node, Name: st.Name, Time: timestamppb.New(s.config.Now()),
		Build: s.build(), Runtime: s.runtime(&st), Raft: raftMessage(&st), Database: databaseMessage(&st), Cache: cacheMessage(&st.Store.Cache),
	}, nil
}

// ReadSettings gives the settings in force.
func (s *nodeService) ReadSettings(ctx context.Context, r *consolev1.ReadSettingsRequest) (*consolev1.ReadSettingsResponse, error) {
	node, err := s.here(ctx, r.OptionalNode)
	if err != nil {
		return nil, err
	}
	return &consolev1.ReadSettingsResponse{Node: node, Settings: settingMessages(s.config.Settings), Surface: s.surface()}, nil
}

// ReadLog gives the newest lines of the log.
func (s *nodeService) ReadLog(ctx context.Context, r *consolev1.ReadLogRequest) (*consolev1.ReadLogResponse, error) {
	if err := checkLimit(r.OptionalLimit, s.limits.PageLimit); err != nil {
		return nil, err
	}
	least := slog.Level(-1 << 16)
	switch r.Level {
	case "":
	case "debug", "info", "warn", "error":
		if err := least.UnmarshalText([]byte(r.Level)); err != nil {
			return nil, err
		}
	default:
		return nil, invalid("level is %.80q: it is one of debug, info, warn, error", r.Level)
	}
	node, err := s.here(ctx, r.OptionalNode)
	if err != nil {
		return nil, err
	}
	resp := &consolev1.ReadLogResponse{Node: node}
	if s.config.Log != nil {
		resp.Lines = s.config.Log.read(r.After, least, cmp.Or(int(r.OptionalLimit), defaultLogLines))
	}
	return resp, nil
}

// profiles are the names of the runtime's profiles.
var profiles = map[consolev1.ProfileRequest_Kind]string{
	consolev1.ProfileRequest_KIND_HEAP: "heap", consolev1.ProfileRequest_KIND_ALLOCS: "allocs", consolev1.ProfileRequest_KIND_GOROUTINE: "goroutine",
}

// Profile makes a profile of the process.
func (s *nodeService) Profile(ctx context.Context, r *consolev1.ProfileRequest) (*consolev1.ProfileResponse, error) {
	name, known := profiles[r.Kind]
	cpu := r.Kind == consolev1.ProfileRequest_KIND_CPU
	switch {
	case !known && !cpu:
		return nil, invalid("kind: %d is none of KIND_CPU, KIND_HEAP, KIND_ALLOCS, KIND_GOROUTINE", r.Kind)
	case !cpu && r.Seconds != 0:
		return nil, invalid("seconds is for KIND_CPU: the others show the moment")
	case r.Seconds > maxCPUSeconds:
		return nil, invalid("seconds is %d; at most %d are allowed", r.Seconds, maxCPUSeconds)
	}
	node, err := s.here(ctx, r.OptionalNode)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if cpu {
		name = "cpu"
		err = profileCPU(ctx, &out, time.Duration(cmp.Or(r.Seconds, defaultCPUSeconds))*time.Second)
	} else {
		err = pprof.Lookup(name).WriteTo(&out, 0)
	}
	if err != nil {
		return nil, err
	}
	if out.Len() > maxProfile {
		return nil, status.Errorf(codes.ResourceExhausted, "the profile has %d bytes; at most %d are sent: fetch it from /debug/pprof of the metrics address", out.Len(), maxProfile)
	}
	return &consolev1.ProfileResponse{Node: node, Profile: out.Bytes(), FileName: fmt.Sprintf("pemba-%s-%s.pb.gz", name, s.config.Now().UTC().Format("20060102T150405Z"))}, nil
}

// profileCPU looks at the process for a while.
func profileCPU(ctx context.Context, out *bytes.Buffer, length time.Duration) error {
	if err := pprof.StartCPUProfile(out); err != nil {
		return status.Error(codes.FailedPrecondition, "another profile is being made: try again when it is done")
	}
	defer pprof.StopCPUProfile()
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
