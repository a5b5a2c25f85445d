package portal

import (
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// settingsService is pemba.portal.v1.SettingsService: clients.go has the portals of
// services that sign in through Pemba.
type settingsService struct {
	portalv1.UnimplementedSettingsServiceServer
	*Portal
}
