package portal

// Roles in a subscription, as requests name them. A plain user is one who is
// included and has no other role.
const (
	roleOwner  = "owner"
	roleViewer = "viewer"
	roleUser   = "user"
)

// Roles on a workspace: the relations of its type.
const (
	roleEditor      = "editor"      // of a model
	roleContributor = "contributor" // of a model
	roleDeveloper   = "developer"   // of a project
)

// workspaceRoles are the roles of each kind of workspace, the highest first.
var workspaceRoles = map[string][]string{
	"model":   {roleOwner, roleEditor, roleContributor},
	"project": {roleOwner, roleDeveloper},
}

// switchNames are the policies of a subscription: the relations that turn them on.
var switchNames = []string{"create_open", "publish_open", "editor_share_open"}
