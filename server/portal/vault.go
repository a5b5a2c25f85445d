package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// vaultPrefix is how the keys of what the identity provider keeps begin.
const vaultPrefix = DocumentPrefix + "oidc/"

// Vault keeps what the identity provider must remember, as sealed documents: on all
// members, never watched or exported. Names are those of documents.
type Vault struct{ portal *Portal }

// Vault returns the vault of the portal.
func (p *Portal) Vault() *Vault { return &Vault{p} }

// ErrStale says that what was kept under a name is not of the version that was
// given: somebody else was faster.
var ErrStale = errors.New("it was changed meanwhile")

// Get reads what is kept under a name into value; its version is 0 when there is
// nothing.
func (t *Vault) Get(ctx context.Context, name string, value any) (version uint64, err error) {
	v, err := t.portal.read(ctx)
	if err != nil {
		return 0, err
	}
	defer v.close()
	found, err := v.document(vaultPrefix+name, value)
	return uint64(found), err
}

// Put keeps a value under a name, if what is there has the version (0: nothing is).
// It returns ErrStale otherwise.
func (t *Vault) Put(ctx context.Context, name string, value any, version uint64) error {
	return t.write(ctx, at(store.Revision(version), seal(vaultPrefix+name, value)))
}

// Delete forgets what is kept under a name, if it has the version. It returns
// ErrStale otherwise.
func (t *Vault) Delete(ctx context.Context, name string, version uint64) error {
	return t.write(ctx, at(store.Revision(version), drop(vaultPrefix+name)))
}

func (t *Vault) write(ctx context.Context, u store.DocumentUpdate) error {
	_, err := t.portal.replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{Documents: []store.DocumentUpdate{u}, Actor: "portal"}})
	if fits[*store.DocumentVersionError](err) {
		return ErrStale
	}
	return err
}

// Kept is one thing of a vault.
type Kept struct {
	Name    string
	Version uint64
	value   string
}

// Read reads the value.
func (k Kept) Read(value any) error {
	if err := json.Unmarshal([]byte(k.value), value); err != nil {
		return fmt.Errorf("what is kept under %q: %w", k.Name, err)
	}
	return nil
}

// All yields everything whose name begins with a prefix, by name. An error ends it.
func (t *Vault) All(ctx context.Context, prefix string) iter.Seq2[Kept, error] {
	return func(yield func(Kept, error) bool) {
		v, err := t.portal.read(ctx)
		if err != nil {
			yield(Kept{}, err)
			return
		}
		defer v.close()
		for doc, err := range v.snap.Documents(ctx, vaultPrefix+prefix, "") {
			if err != nil {
				yield(Kept{}, err)
				return
			}
			if !yield(Kept{doc.Key[len(vaultPrefix):], uint64(doc.Version), string(doc.Value)}, nil) {
				return
			}
		}
	}
}
