// SPDX-License-Identifier: MIT
// node manifests.cjs DIR FILE...: checks manifests against the schemas of their kinds, and for fields that these do not
// have, and prints what they hold as JSON, a list for each file.  DIR has node_modules, and is written to.
"use strict";
const fs = require("fs"), path = require("path"), { execFileSync } = require("child_process");
const [dir, ...files] = process.argv.slice(2);
const need = require("module").createRequire(path.join(path.resolve(dir), "manifests.cjs"));
const yaml = need("yaml");

function moduleOf(object) {
  const where = object.apiVersion.startsWith("traefik.io/") ? "@kubernetes-models/traefik" : "kubernetes-models";
  return `${where}/${object.apiVersion}`;
}

function objectsOf(file) {
  return yaml.parseAllDocuments(fs.readFileSync(file, "utf8"), { strict: true, version: "1.1" }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]}`);
    return document.toJS();
  });
}

const manifests = files.map(objectsOf), lines = [];
manifests.forEach((objects, i) => objects.forEach((object, n) => {
  const kind = need(moduleOf(object))[object.kind];
  if (!kind) throw new Error(`${files[i]}: there is no ${object.kind} in ${object.apiVersion}`);
  try {
    new kind(object).validate();
  } catch (e) {
    throw new Error(`${files[i]}: ${object.kind} ${object.metadata.name}: ${e.message}`);
  }
  lines.push(`import type { I${object.kind} as T${i}_${n} } from ${JSON.stringify(moduleOf(object))};`,
    `export const v${i}_${n}: T${i}_${n} = ${JSON.stringify(object)};`);
}));
fs.writeFileSync(path.join(dir, "manifests.ts"), lines.join("\n") + "\n");
try {
  execFileSync(process.execPath, [need.resolve("typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module", "node16",
    "--moduleResolution", "node16", "manifests.ts"], { cwd: dir, encoding: "utf8" });
} catch (e) {
  throw new Error(`a field that is not in the schema: ${e.stdout}`);
}
console.log(JSON.stringify(manifests));
