// Deploys a folder of SFDX source into a sandbox with the vendor's own library, over REST.
//   node deploy_source.mjs SANDBOX.json FOLDER [check]
import { readFileSync } from "node:fs";
import { AuthInfo, Connection } from "@salesforce/core";
import { ComponentSet } from "@salesforce/source-deploy-retrieve";

const [described, folder, check] = process.argv.slice(2);
const { salesforce } = JSON.parse(readFileSync(described, "utf8"));
const authInfo = await AuthInfo.create({
  accessTokenOptions: {
    accessToken: salesforce.admin.access_token,
    instanceUrl: salesforce.instance_url,
    loginUrl: salesforce.login_url,
  },
});
const job = await ComponentSet.fromSource(folder).deploy({
  usernameOrConnection: await Connection.create({ authInfo }),
  apiOptions: { rest: true, checkOnly: check === "check" },
});
const { response } = await job.pollStatus(300, 60);
console.log(response.status, `${response.numberComponentsDeployed} of ${response.numberComponentsTotal}`);
for (const one of [response.details.componentFailures ?? []].flat()) {
  console.log(one.componentType, one.fullName, one.problem);
}
process.exitCode = response.success ? 0 : 1;
