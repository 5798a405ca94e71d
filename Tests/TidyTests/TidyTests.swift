import Foundation
import Testing

/// House rules that the compiler and the formatter do not know, checked over the source tree itself.
///
/// Each rule is a function from one file to its findings, so that the rules are tested too: on text made to break them.
@Suite struct TidyTests {
    @Test("the source tree follows the house rules")
    func wholeTree() throws {
        let files = try SourceFile.all()
        try #require(files.count > 5, "no source files found under \(SourceFile.root.path)")
        let findings = files.flatMap { file in rules.flatMap { rule in rule(file) } }
        // Not `#expect(findings.isEmpty)`, which would print them all a second time on one line.
        if !findings.isEmpty { Issue.record("\(findings.count) findings:\n\(findings.joined(separator: "\n"))") }
    }

    @Test("each rule finds what it forbids", arguments: planted)
    func finds(sample: Planted) {
        let file = SourceFile(path: sample.path, text: sample.text)
        let findings = rules.flatMap { rule in rule(file) }
        #expect(findings.map(\.line) == sample.lines, "\(sample.text)\n\(findings.joined(separator: "\n"))")
    }
}

/// A text and the lines the rules must name in it.
struct Planted: Sendable, CustomTestStringConvertible {
    var path = "Sources/Cleaning/Planted.swift"
    var text: String
    var lines: [Int]
    var testDescription: String { text.split(separator: "\n").first.map(String.init) ?? "empty" }

    init(_ text: String, in path: String = "Sources/Cleaning/Planted.swift", lines: Int...) {
        (self.text, self.path, self.lines) = (text, path, lines)
    }
}

private let planted = [
    Planted("let short = 1"),
    Planted(String(repeating: "é", count: 140)),
    Planted(String(repeating: "é", count: 141), lines: 1),
    Planted("\tlet tabbed = 1", lines: 1),
    Planted("// TO" + "DO: later", lines: 1),
    Planted("let todoList = 1"),
    Planted("let a = try" + "! f()", lines: 1),
    Planted("let a = try" + "! f()", in: "Tests/CleaningTests/Planted.swift"),
    Planted("// why there is no try" + "! here"),
    Planted("let a = b as" + "! Int", lines: 1),
    Planted("let place = \"/wo" + "rk/somewhere\"", lines: 1),
    Planted("cd /ro" + "ot/x", in: "ops/setup", lines: 1),
    Planted("let now = Da" + "te()", lines: 1),
    Planted("let now = Da" + "te()", in: "Sources/bedrot/Planted.swift"),
    Planted("let day = update(1)"),
    Planted("let x = Int.rand" + "om(in: 0...9)", in: "Sources/Projection/Planted.swift", lines: 1),
    Planted("clock_get" + "time(CLOCK_REALTIME, &now)", in: "Sources/EventLog/Event.swift"),
    Planted("clock_get" + "time(CLOCK_REALTIME, &now)", lines: 1),
    Planted("package func naked() {}", lines: 1),
    Planted("/// Dressed.\npackage func dressed() {}"),
    Planted("/// Dressed.\n@safe\n@inlinable package func dressed() {}"),
    Planted("// A plain comment is no documentation.\npackage struct Naked {}", lines: 2),
    Planted("package import Glibc"),
    Planted("package import Glibc\n\n@safe package struct Naked: ~Copyable {}", lines: 3),
    Planted("/// A pair: left and right.\npackage struct Pair {\n    package let left: Int\n}"),
    Planted("struct Pair {\n    package let left: Int\n}", lines: 2),
    Planted("/// A pair.\npackage struct Pair {\n    package var both: Int { 2 }\n}", lines: 3),
    Planted("/// A pair.\npackage struct Pair {\n    package static let zero = 0\n}", lines: 3),
    Planted("/// A pair.\npackage struct Pair {\n    /// Both.\n    package static let a = 0\n    package static let b = 1\n}"),
    Planted("/// A pair.\npackage struct Pair {\n    package init() {}\n}"),
    Planted("struct Pair {\n    package init() {}\n}", lines: 2),
    Planted("/// Shown.\npackage struct Shown {\n    package var description: String { \"\" }\n}"),
    Planted("extension Shown: Codable {\n    package init(from decoder: any Decoder) {}\n}"),
    Planted("extension Shown {\n    package init(_ text: String) {}\n}", lines: 2),
    Planted("package static func naked() {}", in: "Tests/CleaningTests/Planted.swift"),
    Planted(String(repeating: "\n", count: 600)),
    Planted(String(repeating: "\n", count: 601), lines: 601),
]

// MARK: - The rules

private typealias Rule = @Sendable (SourceFile) -> [Finding]

private let rules: [Rule] = [
    noLongOrTabbedLine, noLeftover, noTrap, noMachinePath, noClockLocaleOrChance, everyPackageDeclarationIsDocumented, noLongFile,
]

private let noLongOrTabbedLine: Rule = { file in
    guard file.isSwift else { return [] }
    return file.lines.flatMap { line in
        [
            line.text.unicodeScalars.count > 140 ? Finding(file, line.number, "longer than 140 columns: break it") : nil,
            line.text.contains("\t") ? Finding(file, line.number, "holds a tab: indent with four spaces, write \\t in strings") : nil,
        ].compactMap { $0 }
    }
}

private let noLongFile: Rule = { file in
    guard file.isSwift, file.lines.count > 600 else { return [] }
    return [Finding(file, 601, "longer than 600 lines: split it by subject")]
}

private let noLeftover: Rule = { file in
    file.findings(of: ["TO" + "DO", "FIX" + "ME", "XX" + "X:"], "unfinished: do it, or write down elsewhere that it is to be done")
}

private let noTrap: Rule = { file in
    guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
    return file.findings(
        of: ["try" + "!", "fatalError" + "(", "as" + "!"], inComments: false, "traps on data: throw an error that says what to do")
}

private let noMachinePath: Rule = { file in
    file.findings(
        of: ["/work" + "/", "/root" + "/", "/home" + "/", "/Users" + "/"], wholeWords: false, "a path of one machine: find it at run time")
}

/// Replay may depend on the log alone. What a target truly needs the clock for is named here, with its file.
private let noClockLocaleOrChance: Rule = { file in
    let replayed = ["Sources/EventLog/", "Sources/Cleaning/", "Sources/Projection/"]
    guard replayed.contains(where: file.path.hasPrefix) else { return [] }
    let excused: [String: [String]] = [
        // `Timestamp.now` is the writer's clock, the one door through which time enters the log.
        "Sources/EventLog/Event.swift": ["clock_gettime"],
        // Benchmarks measure; nothing they see is stored.
        "Sources/EventLog/LogBench.swift": ["clock_gettime"],
        "Sources/Cleaning/CleanBench.swift": ["clock_gettime"],
        // Temporary names must not collide between processes; no name of them survives.
        "Sources/EventLog/ObjectStore.swift": ["getrandom", ".random(", "SystemRandomNumberGenerator"],
    ]
    let forbidden = [
        "Date()", "Date.now", "ContinuousClock", "SuspendingClock", "DispatchTime", "clock_gettime", "gettimeofday", "time(nil)",
        "CFAbsoluteTimeGetCurrent", "Locale", "setlocale", "localtime_r", "strftime", "TimeZone", "Calendar", "DateFormatter", ".random(",
        ".randomElement(", ".shuffled(", "SystemRandomNumberGenerator", "getrandom", "arc4random", "UUID()", "CURRENT_TIMESTAMP", "'now'",
    ]
    let excuses = excused[file.path] ?? []
    return file.findings(
        of: forbidden.filter { !excuses.contains($0) }, inComments: false,
        "clock, locale or chance in replayed code: take it from the event")
}

/// A `package` declaration is a seam between modules, and a seam has a contract.
///
/// Excused are initialisers and stored properties of a documented type (its comment describes them together), properties that continue a
/// documented group line by line, members of a conformance written as an extension, and members every reader knows from their protocol.
private let everyPackageDeclarationIsDocumented: Rule = { file in
    guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
    let lines = file.lines.map(\.text)
    return lines.indices.compactMap { index in
        guard let declared = Declaration(lines[index]), declared.isPackage, declared.isDocumentable else { return nil }
        if documentation(above: index, in: lines) != nil || declared.isWellKnown { return nil }
        let type = enclosingType(of: index, in: lines)
        if let type, lines[type].hasPrefix("extension "), lines[type].contains(": ") { return nil }
        let isMember = declared.kind == "init" || declared.isProperty && !lines[index].contains("{") && !lines[index].contains(" static ")
        if isMember, let type, documentation(above: type, in: lines) != nil { return nil }
        if declared.isProperty, continuesDocumentedGroup(index, in: lines) { return nil }
        return Finding(file, index + 1, "package \(declared.kind) \(declared.name) has no doc comment: say in one line what it promises")
    }
}

// MARK: - Reading declarations

/// The head of a declaration on one line, as far as these rules need it.
private struct Declaration {
    var kind = ""
    var name = ""
    var isPackage = false

    static let kinds: Set = [
        "func", "var", "let", "init", "struct", "enum", "class", "actor", "protocol", "typealias", "subscript", "extension",
    ]
    static let modifiers: Set = [
        "package", "static", "final", "mutating", "borrowing", "consuming", "nonisolated", "override", "convenience", "indirect", "lazy",
        "weak",
        "private(set)", "internal(set)", "fileprivate(set)", "private", "fileprivate", "prefix", "unsafe", "internal",
    ]

    init?(_ line: String) {
        var words = line.split(separator: " ").map(String.init)[...]
        while let word = words.first, word.hasPrefix("@") { words = words.dropFirst() }
        while let word = words.first, Self.modifiers.contains(word) {
            isPackage = isPackage || word == "package"
            words = words.dropFirst()
        }
        guard let word = words.popFirst() else { return nil }
        kind = String(word.prefix { $0.isLetter })
        guard Self.kinds.contains(kind) else { return nil }
        name = String((words.first ?? "").prefix { !"(:<{=,".contains($0) || $0 == "<" && words.first?.hasPrefix("<") == true })
        if name.isEmpty { name = words.first ?? "" }
    }

    var isProperty: Bool { kind == "let" || kind == "var" }
    var isDocumentable: Bool { kind != "extension" }
    var isType: Bool { ["struct", "enum", "class", "actor", "protocol", "extension"].contains(kind) }
    var isWellKnown: Bool {
        ["description", "debugDescription", "errorDescription", "==", "<", "hash", "encode", "next", "makeIterator"].contains(name)
    }
}

/// The text of the doc comment that ends just above a line, attributes between them allowed.
private func documentation(above index: Int, in lines: [String]) -> String? {
    var above = index - 1
    while above >= 0, lines[above].trimmed.hasPrefix("@") { above -= 1 }
    var text: [String] = []
    while above >= 0, lines[above].trimmed.hasPrefix("///") {
        text.append(lines[above].trimmed)
        above -= 1
    }
    return text.isEmpty ? nil : text.reversed().joined(separator: "\n")
}

private func enclosingType(of index: Int, in lines: [String]) -> Int? {
    let depth = lines[index].indentation
    return lines[..<index].lastIndex { line in
        line.indentation < depth && !line.trimmed.isEmpty && Declaration(line)?.isType == true
    }
}

private func continuesDocumentedGroup(_ index: Int, in lines: [String]) -> Bool {
    var above = index - 1
    while above >= 0, let declared = Declaration(lines[above]), declared.isProperty, declared.isPackage {
        if documentation(above: above, in: lines) != nil { return true }
        above -= 1
    }
    return false
}

// MARK: - Files and findings

private struct Finding: CustomStringConvertible {
    var line: Int
    var description: String

    init(_ file: SourceFile, _ line: Int, _ text: String) {
        self.line = line
        description = "\(file.path):\(line): \(text)"
    }
}

extension [Finding] {
    fileprivate func joined(separator: String) -> String { map(\.description).joined(separator: separator) }
}

private struct SourceFile {
    var path: String
    var text: String
    let lines: [(number: Int, text: String)]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var pieces = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if pieces.last?.isEmpty == true { pieces.removeLast() }
        lines = pieces.enumerated().map { ($0.offset + 1, $0.element) }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }

    /// One finding a line that holds one of the words.
    func findings(of words: [String], inComments: Bool = true, wholeWords: Bool = true, _ text: String) -> [Finding] {
        lines.compactMap { line in
            let code = inComments ? line.text : line.text.withoutComment
            guard let word = words.first(where: { code.holds($0, wholeWord: wholeWords) }) else { return nil }
            return Finding(self, line.number, "`\(word)`: \(text)")
        }
    }

    static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every text file of ours below the folders that hold code; fixtures are data and not looked at.
    static func all() throws -> [SourceFile] {
        var files: [SourceFile] = []
        for folder in ["Sources", "Tests", "ops", "zones", "projections"] {
            let place = root.appending(path: folder).path
            for name in (FileManager.default.subpaths(atPath: place) ?? []).sorted() {
                var isFolder: ObjCBool = false
                let file = place + "/" + name
                guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue else { continue }
                guard !name.contains("Fixtures/"), !name.contains("Corpus/"), !name.contains("__pycache__/"), !name.hasSuffix(".zip") else {
                    continue
                }
                files.append(SourceFile(path: folder + "/" + name, text: try String(contentsOfFile: file, encoding: .utf8)))
            }
        }
        return files
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
    fileprivate var indentation: Int { prefix { $0 == " " }.count }

    /// The line up to a `//` that stands at its start or after a space.
    fileprivate var withoutComment: String {
        if trimmed.hasPrefix("//") { return "" }
        return range(of: " //").map { String(self[..<$0.lowerBound]) } ?? self
    }

    /// Whether the word occurs, as a whole word only unless told otherwise: `update(` is no `date(`.
    fileprivate func holds(_ word: String, wholeWord: Bool) -> Bool {
        var from = startIndex
        while let found = range(of: word, range: from..<endIndex) {
            let before = found.lowerBound == startIndex ? nil : self[index(before: found.lowerBound)]
            let after = found.upperBound == endIndex ? nil : self[found.upperBound]
            let startsInside = word.first?.isLetter == true && before.map { $0.isLetter || $0.isNumber || $0 == "_" } == true
            let endsInside = word.last?.isLetter == true && after.map { $0.isLetter || $0.isNumber || $0 == "_" } == true
            if !wholeWord || !(startsInside || endsInside) { return true }
            from = found.upperBound
        }
        return false
    }
}
