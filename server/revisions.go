package server

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// revisionService is pemba.v1.RevisionService.
type revisionService struct {
	pembav1.UnimplementedRevisionServiceServer
	*Server
}

// ResolveRevision implements pemba.v1.
func (s *revisionService) ResolveRevision(_ context.Context, req *pembav1.ResolveRevisionRequest) (*pembav1.ResolveRevisionResponse, error) {
	rev := s.replica.Head()
	switch of := req.GetOf().(type) {
	case *pembav1.ResolveRevisionRequest_Token:
		var err error
		if rev, err = s.replica.ParseToken(of.Token.GetToken()); err != nil {
			return nil, err
		}
	case *pembav1.ResolveRevisionRequest_Revision:
		if of.Revision == 0 {
			return nil, invalid("revision is 0, which is before the first one; leave it out for the newest")
		}
		if store.Revision(of.Revision) > rev {
			return nil, invalid("revision %d is not here: the newest is %d", of.Revision, rev)
		}
		rev = store.Revision(of.Revision)
	}
	return &pembav1.ResolveRevisionResponse{
		Token: &v1.ZedToken{Token: s.replica.Token(rev)}, Revision: uint64(rev),
	}, nil
}
