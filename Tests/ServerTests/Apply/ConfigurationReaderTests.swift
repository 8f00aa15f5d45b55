import ConfigurationFiles
import Directory
import Elements
import Foundation
import Numbering
import Server
import Testing

@Suite struct ConfigurationReaderTests {
  @Test("The manual's office is read whole")
  func office() throws {
    let draft = try read(officeYAML)
    let tenant = try #require(draft.document.tenants.first)
    #expect(tenant.limits.spend == SpendEntry(hourMicros: 50_000_000, dayMicros: 200_000_000))
    #expect(tenant.limits.basis == .sell)
    #expect(tenant.destinations.allow == ["+44"] && tenant.destinations.deny == ["+882"])
    #expect(tenant.rates == TenantRates(sell: "retail", purchase: "wholesale"))
    let trunk = try #require(draft.snapshot.trunks.first)
    #expect(trunk.channels == 1000)
    #expect(trunk.address == TrunkAddress("sip:127.0.0.1:5090;transport=udp"))
    #expect(draft.document.mail?.from == "martinet@office.example")
    #expect(draft.document.rates.map(\.name) == ["retail", "wholesale"])
    #expect(draft.document.rates.allSatisfy { $0.table.count > 1000 })
  }

  @Test("Limits that are left out are the safe ones; none takes one away")
  func defaultLimits() throws {
    let draft = try read(officeYAML)
    let lines = draft.snapshot.extensions
    var expected = LimitEntry.account
    expected.basis = .sell
    #expect(lines.map(\.limits) == [expected, expected])
    let changed = officeYAML.replacing(
      "- number: \"102\"",
      with: "- { number: \"102\", limits: { spend: { day: none, month: 7.5 } } }")
    let limits = try #require(try read(changed).snapshot.extensions.last).limits
    #expect(limits.spend == SpendEntry(dayMicros: nil, monthMicros: 7_500_000))
    #expect(limits.international == CountEntry(hour: 10, day: 30, month: 100))
  }

  @Test("RFC 7616 §3.9.1: passwords come down to their hashes in the realm of the domain")
  func hashes() throws {
    let yaml = """
      version: 1
      tenants:
        - name: example
          domain: http-auth.example.org
          country: ES
          extensions:
            - { number: "101", username: Mufasa, password: Circle of Life }
      """
    let device = try #require(try read(yaml).snapshot.devices.first)
    // printf 'Mufasa:http-auth.example.org:Circle of Life' | openssl dgst -md5, -sha256, -sha512-256
    #expect(device.hashes.md5.value == Secret("c461bb829191a439a1a0a3b758ef88d2"))
    #expect(
      device.hashes.sha256.value
        == Secret("24e863a11f480cbfe66cd9d46688068565950d62abf3809212715927b8eec102"))
    #expect(
      device.hashes.sha512256.value
        == Secret("348b5babfc8d0a57a375860c9eb4f072f268870012f87fe4d37f127bc02485cc"))
    #expect(device.username == Array("Mufasa".utf8))
  }

  @Test(
    "E6: a password left out is made, strong, once; applying again keeps it and changes nothing")
  func generatedPasswords() throws {
    let draft = try read(officeYAML)
    let made = try #require(draft.generated.first)
    #expect(draft.generated.count == 1)
    #expect(made.name == "102" && made.tenant == "office" && made.realm == "office.example")
    #expect(made.value.count >= 16 && Set(made.value).count > 8)
    let again = try read(officeYAML, previous: draft.document, seed: 2)
    #expect(again.generated == [])
    #expect(again.document == draft.document)
    // Given in clear it is the same.
    let given = officeYAML.replacing(
      "- number: \"102\"", with: "- { number: \"102\", password: \"\(made.value)\" }")
    #expect(try read(given).document == draft.document)
    // A hash holds its realm: another domain needs another password.
    let moved = officeYAML.replacing("domain: office.example", with: "domain: new.example")
    #expect(try read(moved, previous: draft.document).generated.map(\.name) == ["102"])
  }

  @Test("E6: no password stands in the document, in its description or in what export writes")
  func nothingInClear() throws {
    let draft = try read(officeYAML)
    let stored = String(decoding: try JSONEncoder().encode(draft.document), as: UTF8.self)
    let written = try ConfigurationWriter().write(draft.document).yaml
    for text in [stored, written, "\(draft.document)", String(reflecting: draft.snapshot)] {
      #expect(!text.contains("only in tests"))
      #expect(!text.contains(draft.generated[0].value))
    }
    let hash = try #require(draft.snapshot.devices.first?.hashes.md5.value)
    #expect(!written.contains(String(decoding: hash.exposed, as: UTF8.self)))
  }

  @Test("Ids stay with their names when others come and go")
  func stableIdentities() throws {
    let first = try read(officeYAML)
    let line = try #require(first.snapshot.extensions.last)
    let without = officeYAML.replacing("    - number: \"101\"\n", with: "    - number: \"109\"\n")
      .replacing("to: [\"101\"]", with: "to: [\"109\"]")
    let second = try read(without, previous: first.document)
    #expect(second.snapshot.extensions.map(\.digits.description) == ["102", "109"])
    #expect(second.snapshot.extensions.first?.id == line.id)
    let third = try read(officeYAML, previous: second.document)
    #expect(third.snapshot.extensions.map(\.id) == first.snapshot.extensions.map(\.id))
  }

  @Test(
    "The examples apply as they stand, and what export writes of them applies and changes nothing")
  func examples() throws {
    let yaml = try String(
      contentsOf: examplesFolder.appending(path: "office.yaml"), encoding: .utf8)
    let draft = try read(yaml)
    let written = try ConfigurationWriter().write(draft.document)
    let again = try read(written.yaml, previous: draft.document)
    #expect(again.document == draft.document)
    #expect(again.generated == [])
    #expect(written.rateFiles.isEmpty && !written.yaml.contains(".csv"))
    let whole = try ConfigurationWriter().write(draft.document, withRateFiles: true)
    #expect(whole.rateFiles.keys.sorted() == ["retail.csv", "wholesale.csv"])
    #expect(try read(whole.yaml, previous: draft.document).document == draft.document)
    #expect(try ConfigurationWriter().write(again.document) == written)
  }

  @Test("Every key survives the way out and in again")
  func everyKey() throws {
    let draft = try read(everythingYAML)
    let written = try ConfigurationWriter().write(draft.document)
    let again = try read(written.yaml, previous: draft.document)
    #expect(again.document == draft.document)
    for set in ConfigurationReader.keys {
      for key in set.keys where key != "password" && key != "secret" {
        #expect(
          everythingYAML.contains("\(key):"), "\(key) of \(set.name) is not in the test's document")
      }
    }
  }

  @Test(
    "What sets nothing survives the way out and in again, too: an empty mapping, a list",
    arguments: ["{}", "[]"])
  func nothingSet(_ nothing: String) throws {
    func document(_ place: String, _ key: String) -> String {
      func extra(_ name: String) -> String { name == place ? ", \(key): \(nothing)" : "" }
      return """
        version: 1
        tenants:
          - { name: office, domain: office.example, country: ES, \
        extensions: [{ number: "101"\(extra("an extension")) }], \
        trunks: [carrier]\(extra("a tenant")) }
        trunks: [{ name: carrier, address: "sip:127.0.0.1:5090"\(extra("a trunk")) }]
        platform: { currency: EUR\(extra("platform")) }
        """
    }
    let once = [
      "name", "domain", "country", "number", "extensions", "trunks", "address", "currency",
    ]
    let places = ConfigurationReader.keys.filter {
      ["an extension", "a tenant", "a trunk", "platform"].contains($0.name)
    }
    #expect(places.count == 4)
    var taken = 0
    for place in places {
      for key in place.keys where !once.contains(key) {
        guard let draft = try? read(document(place.name, key)) else { continue }
        taken += 1
        let written = try ConfigurationWriter().write(draft.document).yaml
        let again = try read(written, previous: draft.document)
        #expect(again.document == draft.document, "\(key) of \(place.name)")
      }
    }
    #expect(taken > 5)
  }

  @Test("The manual explains every key that the reader knows")
  func manual() throws {
    let file = repositoryFolder.appending(path: "docs/administrator/configuration.md")
    let manual = try String(contentsOf: file, encoding: .utf8)
    for set in ConfigurationReader.keys {
      for key in set.keys {
        #expect(manual.contains("`\(key)`"), "\(key) of \(set.name)")
      }
    }
  }
}
