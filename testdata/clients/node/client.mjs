// Talks to a server as a Node program does, with the published client, and
// fails at the first answer that is not as expected.
//
//   node client.mjs HOST:PORT TOKEN
import assert from "node:assert/strict";
import { v1 } from "@authzed/authzed-node";

const [endpoint, token] = process.argv.slice(2);
const client = v1.NewClient(token, endpoint, v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS);
const { promises } = client;

const object = (text) => {
  const [objectType, objectId] = text.split(":");
  return v1.ObjectReference.create({ objectType, objectId });
};
const subject = (text) => {
  const [of, optionalRelation = ""] = text.split("#");
  return v1.SubjectReference.create({ object: object(of), optionalRelation });
};
const relationship = (text) => {
  const [left, who] = text.split("@");
  const [resource, relation] = left.split("#");
  return v1.Relationship.create({ resource: object(resource), relation, subject: subject(who) });
};
const update = (operation, text) =>
  v1.RelationshipUpdate.create({ operation, relationship: relationship(text) });
const { CREATE, TOUCH } = v1.RelationshipUpdate_Operation;
const { HAS_PERMISSION, NO_PERMISSION, CONDITIONAL_PERMISSION } = v1.CheckPermissionResponse_Permissionship;
const fresh = v1.Consistency.create({ requirement: { oneofKind: "fullyConsistent", fullyConsistent: true } });
const check = (resource, permission, who, more = {}) =>
  v1.CheckPermissionRequest.create({
    consistency: fresh, resource: object(resource), permission, subject: subject(who), ...more,
  });

// refused returns the error of a call that must fail with the gRPC code and, if
// one is given, the reason, which travels in the trailer.
const refused = async (code, reason, call) => {
  let error;
  try {
    await call;
  } catch (e) {
    error = e;
  }
  assert.ok(error, `the call succeeded; ${reason || code} was expected`);
  assert.equal(error.code, code, error.message);
  if (reason) {
    const details = error.metadata.get("grpc-status-details-bin").map((d) => d.toString("latin1")).join();
    assert.ok(details.includes(`ERROR_REASON_${reason}`), `${error.message} has not the reason ${reason}`);
    assert.ok(details.includes("authzed.com"));
  }
  return error;
};
const INVALID_ARGUMENT = 3, ALREADY_EXISTS = 6, PERMISSION_DENIED = 7, FAILED_PRECONDITION = 9;

const schema = `caveat at_night(hour int) { hour < 6 }
definition user {}
definition folder { relation reader: user }
definition paper {
	relation folder: folder
	relation writer: user
	relation guest: user with at_night
	permission edit = writer
	permission read = edit + folder->reader + guest
}`;

const steps = {
  async schema() {
    const { writtenAt } = await promises.writeSchema(v1.WriteSchemaRequest.create({ schema }));
    assert.ok(writtenAt.token);
    const { schemaText } = await promises.readSchema(v1.ReadSchemaRequest.create({}));
    assert.match(schemaText, /definition paper/);
    await refused(INVALID_ARGUMENT, "SCHEMA_PARSE_ERROR",
      promises.writeSchema(v1.WriteSchemaRequest.create({ schema: "definition {" })));
  },

  async write() {
    const guest = relationship("paper:one#guest@user:gus");
    guest.optionalCaveat = v1.ContextualizedCaveat.create({ caveatName: "at_night" });
    const { writtenAt } = await promises.writeRelationships(v1.WriteRelationshipsRequest.create({
      updates: [
        update(CREATE, "paper:one#writer@user:wanda"),
        update(TOUCH, "paper:one#folder@folder:shelf"),
        update(TOUCH, "folder:shelf#reader@user:rita"),
        v1.RelationshipUpdate.create({ operation: TOUCH, relationship: guest }),
      ],
      optionalTransactionMetadata: v1.createStructFromObject({ because: "of a test" }),
    }));
    assert.ok(writtenAt.token);
    const one = (text) => promises.writeRelationships(
      v1.WriteRelationshipsRequest.create({ updates: [update(CREATE, text)] }));
    await refused(ALREADY_EXISTS, "ATTEMPT_TO_RECREATE_RELATIONSHIP", one("paper:one#writer@user:wanda"));
    await refused(FAILED_PRECONDITION, "UNKNOWN_DEFINITION", one("planet:one#writer@user:wanda"));
    await refused(FAILED_PRECONDITION, "UNKNOWN_RELATION_OR_PERMISSION", one("paper:one#painter@user:wanda"));
    await refused(INVALID_ARGUMENT, "CANNOT_UPDATE_PERMISSION", one("paper:one#edit@user:wanda"));
    await refused(INVALID_ARGUMENT, "INVALID_SUBJECT_TYPE", one("paper:one#writer@folder:shelf"));
  },

  async check() {
    const answer = async (...args) => (await promises.checkPermission(check(...args))).permissionship;
    assert.equal(await answer("paper:one", "edit", "user:wanda"), HAS_PERMISSION);
    assert.equal(await answer("paper:one", "read", "user:rita"), HAS_PERMISSION);
    assert.equal(await answer("paper:one", "edit", "user:rita"), NO_PERMISSION);
    assert.equal(await answer("paper:one", "read", "user:gus"), CONDITIONAL_PERMISSION);
    const at = (hour) => ({ context: v1.PbStruct.fromJson({ hour }) });
    assert.equal(await answer("paper:one", "read", "user:gus", at(3)), HAS_PERMISSION);
    assert.equal(await answer("paper:one", "read", "user:gus", at(9)), NO_PERMISSION);
    const traced = await promises.checkPermission(check("paper:one", "read", "user:rita", { withTracing: true }));
    assert.equal(traced.debugTrace.check.permission, "read");
    await refused(FAILED_PRECONDITION, "UNKNOWN_RELATION_OR_PERMISSION",
      promises.checkPermission(check("paper:one", "fly", "user:rita")));
    await refused(INVALID_ARGUMENT, "WILDCARD_NOT_ALLOWED",
      promises.checkPermission(check("paper:one", "read", "user:*")));
  },

  async checkBulk() {
    const item = (permission, who) => v1.CheckBulkPermissionsRequestItem.create({
      resource: object("paper:one"), permission, subject: subject(who),
    });
    const { pairs } = await promises.checkBulkPermissions(v1.CheckBulkPermissionsRequest.create({
      consistency: fresh, items: [item("edit", "user:wanda"), item("edit", "user:rita"), item("fly", "user:rita")],
    }));
    assert.equal(pairs.length, 3);
    assert.equal(pairs[0].response.item.permissionship, HAS_PERMISSION);
    assert.equal(pairs[1].response.item.permissionship, NO_PERMISSION);
    assert.equal(pairs[2].response.oneofKind, "error");
    assert.equal(pairs[2].response.error.code, FAILED_PRECONDITION);
  },

  async lookups() {
    const resources = await promises.lookupResources(v1.LookupResourcesRequest.create({
      consistency: fresh, resourceObjectType: "paper", permission: "read", subject: subject("user:rita"),
    }));
    assert.deepEqual(resources.map((r) => r.resourceObjectId), ["one"]);
    const subjects = await promises.lookupSubjects(v1.LookupSubjectsRequest.create({
      consistency: fresh, resource: object("paper:one"), permission: "read", subjectObjectType: "user",
    }));
    assert.deepEqual(subjects.map((s) => s.subject.subjectObjectId), ["gus", "rita", "wanda"]);
    const tree = await promises.expandPermissionTree(v1.ExpandPermissionTreeRequest.create({
      consistency: fresh, resource: object("paper:one"), permission: "read",
    }));
    assert.ok(tree.treeRoot);
    const read = await promises.readRelationships(v1.ReadRelationshipsRequest.create({
      consistency: fresh, relationshipFilter: v1.RelationshipFilter.create({ resourceType: "paper" }),
    }));
    assert.equal(read.length, 3);
  },

  async watch() {
    const { readAt } = await promises.readSchema(v1.ReadSchemaRequest.create({}));
    const stream = client.watch(v1.WatchRequest.create({
      optionalObjectTypes: ["folder"], optionalStartCursor: readAt,
    }));
    const seen = new Promise((resolve, reject) => {
      stream.once("data", resolve);
      stream.once("error", reject);
    });
    await promises.writeRelationships(v1.WriteRelationshipsRequest.create({
      updates: [update(CREATE, "paper:unseen#writer@user:wanda"), update(CREATE, "folder:attic#reader@user:rita")],
    }));
    const { updates, changesThrough } = await seen;
    stream.on("error", () => {}); // it is cancelled
    stream.cancel();
    assert.ok(changesThrough.token);
    assert.equal(updates.length, 1);
    assert.equal(updates[0].operation, TOUCH);
    assert.equal(updates[0].relationship.resource.objectId, "attic");
  },

  async bulk() {
    const load = (ids) => new Promise((resolve, reject) => {
      const stream = client.importBulkRelationships((error, response) => (error ? reject(error) : resolve(response)));
      stream.on("error", () => {}); // the callback has it
      for (const id of ids) {
        stream.write(v1.ImportBulkRelationshipsRequest.create({
          relationships: [relationship(`folder:${id}#reader@user:bulk`)],
        }));
      }
      stream.end();
    });
    const ids = Array.from({ length: 250 }, (_, i) => `bulk_${i}`);
    assert.equal((await load(ids)).numLoaded, "250");
    await refused(ALREADY_EXISTS, "ATTEMPT_TO_RECREATE_RELATIONSHIP", load(["bulk_9"]));
    const pages = await promises.exportBulkRelationships(v1.ExportBulkRelationshipsRequest.create({
      consistency: fresh, optionalLimit: 100,
      optionalRelationshipFilter: v1.RelationshipFilter.create({ resourceType: "folder" }),
    }));
    const exported = pages.flatMap((p) => p.relationships).map((r) => r.resource.objectId);
    assert.deepEqual(exported.filter((id) => id.startsWith("bulk_")).sort(), ids.sort());
    const { deletedAt } = await promises.deleteRelationships(v1.DeleteRelationshipsRequest.create({
      relationshipFilter: v1.RelationshipFilter.create({
        resourceType: "folder", optionalSubjectFilter: v1.SubjectFilter.create({ subjectType: "user", optionalSubjectId: "bulk" }),
      }),
    }));
    assert.ok(deletedAt.token);
  },

  async stranger() {
    const other = v1.NewClient("another-token", endpoint, v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS);
    await refused(PERMISSION_DENIED, "", other.promises.readSchema(v1.ReadSchemaRequest.create({})));
    other.close();
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
  } catch (error) {
    console.error(`${name}:`, error);
    process.exit(1);
  }
  console.log(`ok ${name}`);
}
client.close();
