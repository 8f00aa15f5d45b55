import GRDB

/// Changes a database behind the program's back.
func alterDatabase(_ path: String, _ statements: String) throws {
  try DatabaseQueue(path: path).write { try $0.execute(sql: statements) }
}
