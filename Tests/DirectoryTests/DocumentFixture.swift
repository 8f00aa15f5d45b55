import Directory
import Elements
import Testing

/// An office with two extensions, a trunk and rates: correct as it stands.
func officeDocument() -> DirectoryDocument {
  var document = DirectoryDocument()
  var office = TenantEntry(name: "office", domain: "office.example", country: "ES")
  office.timezone = "Europe/Madrid"
  office.extensions = [phone("101", "Front desk"), phone("102", "Workshop")]
  office.numbers = [
    NumberEntry(
      first: "+34976111222", steps: [RingStepEntry(extensions: ["101"], seconds: 30)])
  ]
  office.trunks = ["carrier"]
  office.rates = TenantRates(sell: "retail", purchase: nil)
  document.tenants = [office]
  document.trunks = [TrunkEntry(name: "carrier", address: "sip:127.0.0.1:5090;transport=udp")]
  document.rates = [
    RateEntry(name: "retail", currency: "EUR", file: "retail.csv", table: "34,Spain,0,0.01,1,1\n")
  ]
  return document
}

/// An extension with one device of the same name.
func phone(_ number: String, _ name: String) -> ExtensionEntry {
  var entry = ExtensionEntry(number: number, name: name)
  entry.devices = [device(number)]
  return entry
}

func device(_ username: String, serving extensions: [String] = []) -> DeviceEntry {
  let hash = Secret("0123456789abcdef0123456789abcdef")
  return DeviceEntry(
    username: username, name: username,
    hashes: CredentialHashes(md5: hash, sha256: hash, sha512256: hash), extensions: extensions)
}

/// Compiles, and gives the problems as text; an empty list where there are none.
func problems(of document: DirectoryDocument) -> [String] {
  var document = document
  do {
    _ = try DirectoryCompiler.compile(&document, revision: 1)
    return []
  } catch {
    return error.problems.map(\.description)
  }
}

func compile(_ document: DirectoryDocument) throws -> DirectorySnapshot {
  var document = document
  return try DirectoryCompiler.compile(&document, revision: 1)
}
