import API
import ConfigurationFiles
import Foundation
import Net
import Server
import Testing

/// What may be written about an authority, and what is said of the rest.
@Suite struct AuthorityWishesTests {
  @Test(
    "A wish that no authority could fulfil is refused with the way out",
    arguments: [
      ("acme_directory", "http://ca.example/directory"), ("acme_directory", "ca.example"),
      ("acme_names", "192.0.2.1"), ("acme_names", "*.example.com"), ("acme_names", "pbx"),
      ("acme_names", "pbx..example.com"), ("acme_names", "-pbx.example.com"),
      ("acme_names", "../../etc.example.com"), ("acme_names", "a.example.com, A.example.com"),
      ("acme_contact", "admin"), ("acme_contact", "a@b@c"), ("acme_http", "80"),
    ])
  func refused(key: String, text: String) {
    var configuration = Configuration()
    let error = #expect(throws: ConfigurationError.self) { try configuration.set(key, to: text) }
    #expect(error?.field == key && error?.wayOut.isEmpty == false)
  }

  @Test("An authority without a name, and a name without an authority, are half a wish")
  func half() throws {
    for (key, text) in [
      ("acme_directory", "https://ca.example/directory"), ("acme_names", "pbx.example.com"),
    ] {
      var configuration = Configuration()
      configuration.data = FileManager.default.temporaryDirectory.appending(path: "none").path
      try configuration.set(key, to: text)
      let finding = try #require(Doctor(configuration).examine().first { $0.subject == key })
      #expect(finding.verdict == .problem)
    }
  }

  @Test("The certificate of the first name is the standard one")
  func standard() throws {
    var configuration = Configuration()
    try configuration.set("acme_names", to: "PBX.example.com, office.example.com")
    #expect(configuration.tls.standard == "acme-pbx.example.com")
  }
}
