package portal

import (
	"context"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// BeginSignIn says that an address signs in with a password, whether anybody has it or
// not.
func (s *sessionService) BeginSignIn(_ context.Context, r *portalv1.BeginSignInRequest) (*portalv1.BeginSignInResponse, error) {
	if _, err := email("email", r.Email); err != nil {
		return nil, err
	}
	return &portalv1.BeginSignInResponse{}, nil
}
