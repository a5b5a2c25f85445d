package server

import (
	"fmt"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// Role says which calls a caller may make. Each role may do all that the ones
// before it may.
type Role uint8

const (
	RoleNone  Role = iota // health and reflection, which need no token
	RoleCheck             // ask who may do what
	RoleRead              // see schema, relationships, documents and their changes
	RoleWrite             // change relationships and documents
	RoleAdmin             // change the schema and the cluster
)

var roleNames = [...]string{"none", "check", "read", "write", "admin"}

// String returns the word that ParseRole reads.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads "check", "read", "write" or "admin".
func ParseRole(text string) (Role, error) {
	for i, name := range roleNames[RoleCheck:] {
		if text == name {
			return RoleCheck + Role(i), nil
		}
	}
	return RoleNone, fmt.Errorf("%q is no role; the roles are %s", text, strings.Join(roleNames[RoleCheck:], ", "))
}

// needs returns the role that a call takes. This is the only place that says
// so. What it does not know takes the highest role.
func needs(method string) Role {
	switch method {
	case
		v1.PermissionsService_CheckPermission_FullMethodName,
		v1.PermissionsService_CheckBulkPermissions_FullMethodName,
		v1.PermissionsService_LookupResources_FullMethodName,
		v1.PermissionsService_LookupSubjects_FullMethodName,
		pembav1.RevisionService_ResolveRevision_FullMethodName,
		v1.ExperimentalService_BulkCheckPermission_FullMethodName:
		return RoleCheck
	case
		v1.PermissionsService_ExpandPermissionTree_FullMethodName,
		v1.PermissionsService_ReadRelationships_FullMethodName,
		v1.PermissionsService_ExportBulkRelationships_FullMethodName,
		v1.SchemaService_ReadSchema_FullMethodName,
		v1.SchemaService_ReflectSchema_FullMethodName,
		v1.SchemaService_ComputablePermissions_FullMethodName,
		v1.SchemaService_DependentRelations_FullMethodName,
		v1.SchemaService_DiffSchema_FullMethodName,
		v1.WatchService_Watch_FullMethodName,
		v1.ExperimentalService_BulkExportRelationships_FullMethodName,
		v1.ExperimentalService_ExperimentalReflectSchema_FullMethodName,
		v1.ExperimentalService_ExperimentalComputablePermissions_FullMethodName,
		v1.ExperimentalService_ExperimentalDependentRelations_FullMethodName,
		v1.ExperimentalService_ExperimentalDiffSchema_FullMethodName,
		v1.ExperimentalService_ExperimentalCountRelationships_FullMethodName,
		pembav1.SchemaService_ReadSchemaText_FullMethodName,
		pembav1.ClusterService_Status_FullMethodName,
		pembav1.ClusterService_GetAutopilot_FullMethodName,
		pembav1.ClusterService_StateHash_FullMethodName,
		pembav1.ExplainService_Explain_FullMethodName,
		pembav1.ExplainService_Expand_FullMethodName,
		pembav1.DocumentService_GetDocument_FullMethodName,
		pembav1.DocumentService_ListDocuments_FullMethodName,
		consolev1.SchemaToolsService_DiagnoseSchema_FullMethodName,
		consolev1.SchemaToolsService_ReviewSchema_FullMethodName,
		consolev1.SchemaToolsService_ListSchemas_FullMethodName,
		consolev1.SchemaToolsService_ReadSchema_FullMethodName,
		consolev1.SchemaToolsService_DiffSchemas_FullMethodName,
		consolev1.SchemaToolsService_DescribeRelation_FullMethodName,
		consolev1.AssertionService_ListAssertions_FullMethodName,
		consolev1.AssertionService_RunAssertions_FullMethodName,
		consolev1.SandboxService_StartSandbox_FullMethodName,
		consolev1.SandboxService_RunSandbox_FullMethodName,
		consolev1.SandboxService_CheckSandbox_FullMethodName,
		consolev1.SandboxService_ImportSandbox_FullMethodName,
		consolev1.SandboxService_ExportSandbox_FullMethodName,
		consolev1.HistoryService_ReadHistory_FullMethodName,
		consolev1.NodeService_ReadSeries_FullMethodName:
		return RoleRead
	case
		v1.PermissionsService_WriteRelationships_FullMethodName,
		v1.PermissionsService_DeleteRelationships_FullMethodName,
		v1.PermissionsService_ImportBulkRelationships_FullMethodName,
		v1.ExperimentalService_BulkImportRelationships_FullMethodName,
		v1.ExperimentalService_ExperimentalRegisterRelationshipCounter_FullMethodName,
		v1.ExperimentalService_ExperimentalUnregisterRelationshipCounter_FullMethodName,
		pembav1.DocumentService_WriteDocument_FullMethodName,
		pembav1.DocumentService_DeleteDocument_FullMethodName,
		pembav1.TransactionService_WriteTransaction_FullMethodName,
		consolev1.AssertionService_SaveAssertions_FullMethodName,
		consolev1.AssertionService_DeleteAssertions_FullMethodName:
		return RoleWrite
	case
		healthv1.Health_Check_FullMethodName,
		healthv1.Health_List_FullMethodName,
		healthv1.Health_Watch_FullMethodName:
		return RoleNone
	}
	if strings.HasPrefix(method, "/grpc.reflection.") {
		return RoleNone
	}
	return RoleAdmin // writes of schemas, changes of the cluster, backups, facts about nodes, and what this table does not know
}
