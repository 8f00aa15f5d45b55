import ConfigurationFiles
import Directory
import Elements

/// A configuration file with its rate file: read, or refused with what is wrong and where.
struct ConfigurationSubject: Subject {
  static let name = "configuration"
  /// The reader takes more; what is linear shows in this much, of which the YAML library alone takes milliseconds.
  static let mostBytes = 6_144

  private static let deck = Array("prefix,price_per_minute\n34,0.06\n44,0.10\n".utf8)

  private func read(
    _ yaml: [UInt8], previous: DirectoryDocument? = nil
  ) -> Result<CheckedConfiguration, ConfigurationProblems> {
    var dice = SplitMix(seed: 1)
    let file = ConfigurationFile(name: "office.yaml", bytes: yaml) { name in
      name.hasSuffix(".csv") ? Self.deck : nil
    }
    return Result { () throws(ConfigurationProblems) in
      try ConfigurationReader(previous: previous).read(file, revision: 1, dice: &dice)
    }
  }

  func work(_ input: [UInt8]) -> Result<CheckedConfiguration, ConfigurationProblems> {
    read(input)
  }

  func check(
    _ outcome: Result<CheckedConfiguration, ConfigurationProblems>, of input: [UInt8]
  ) {
    switch outcome {
    case .failure(let problems):
      require(!problems.problems.isEmpty, "a file is refused for a reason")
      require(problems.description.utf8.count < 1 << 22, "which can be read")
    case .success(let configuration):
      let document = configuration.document
      let written = require("what is in force can be exported") {
        try ConfigurationWriter().write(document)
      }
      let again = require("and applied again") {
        try read(Array(written.yaml.utf8), previous: document).get()
      }
      require(again.document == document, "without a change")
      require(again.generated.isEmpty, "nor a new password")
    }
  }
}
