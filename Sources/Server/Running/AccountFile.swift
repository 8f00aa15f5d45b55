import ACME
import ConfigurationFiles
import Foundation
import Net

/// The key of our account with the authority.
struct AccountFile {
  let path: String

  init(in folder: String) {
    path = folder + "/acme-account.pem"
  }

  /// The one that is there, or a new one.
  func key() throws -> AccountKey {
    guard FileManager.default.fileExists(atPath: path) else {
      let key = AccountKey()
      try KeptFile.write(key.pem, to: path)
      return key
    }
    guard let key = AccountKey(pem: try String(contentsOfFile: path, encoding: .utf8)) else {
      throw ConfigurationError(
        field: path, problem: "it holds no key of an account",
        wayOut: "Remove it, and a new account is made with the authority.")
    }
    return key
  }
}
