import ConfigurationFiles
import Directory
import Elements
import Foundation
import Server
import Testing

/// The top of the checkout.
let repositoryFolder = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

let examplesFolder = repositoryFolder.appending(path: "examples")

/// Reads YAML that stands beside the examples' rate files.
func read(
  _ yaml: String, previous: DirectoryDocument? = nil, seed: UInt64 = 1
) throws -> CheckedConfiguration {
  var dice = SplitMix(seed: seed)
  let file = ConfigurationFile(
    name: "office.yaml", bytes: Array(yaml.utf8), rateFile: rateFiles(in: examplesFolder))
  return try ConfigurationReader(previous: previous).read(file, revision: 1, dice: &dice)
}

/// What is wrong with some YAML, as a person sees it.
func complaints(_ yaml: String, previous: DirectoryDocument? = nil) -> [String] {
  var dice = SplitMix(seed: 1)
  let file = ConfigurationFile(
    name: "office.yaml", bytes: Array(yaml.utf8), rateFile: rateFiles(in: examplesFolder))
  do {
    _ = try ConfigurationReader(previous: previous).read(file, revision: 1, dice: &dice)
    return []
  } catch {
    return error.problems.map(\.description)
  }
}

/// A tenant with two extensions, a number, a trunk and rates, as in the manual.
let officeYAML = """
  version: 1
  tenants:
    - name: office
      domain: office.example
      timezone: Europe/Madrid
      country: ES
      currency: EUR
      limits: { spend: { hour: 50, day: 200 }, basis: sell }
      destinations: { international: allow, premium: deny, allow: ["+44"], deny: ["+882"] }
      extensions:
        - number: "101"
          name: Front desk
          password: "only in tests"
          limits: { spend: { day: 10, month: 100 }, international: { hour: 10, day: 30, month: 100 } }
        - number: "102"
      numbers:
        - { number: "+34976111222", to: ["101"] }
      trunks: [carrier]
      rates: { sell: retail, purchase: wholesale }
      notices: { mail: ["admin@office.example"] }
  trunks:
    - { name: carrier, address: "sip:127.0.0.1:5090;transport=udp", channels: 1000 }
  rates:
    - { name: retail, file: retail.csv }
    - { name: wholesale, file: wholesale.csv }
  mail: { server: "smtp://127.0.0.1:2525", from: "martinet@office.example" }
  """

/// Rate files of a folder, by their names.
func rateFiles(in folder: URL) -> @Sendable (String) -> [UInt8]? {
  { name in (try? Data(contentsOf: folder.appending(path: name))).map(Array.init) }
}
