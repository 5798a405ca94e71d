import Projection

/// Names that somebody may have meant.
package enum NearNames {
    /// The names most like a word, the likest first; empty where none is like it.
    ///
    /// A name is like it where few letters differ, where one is part of the other, or where they share a word between underscores.
    package static func of(_ word: String, in names: some Sequence<String>, most: Int = 4) -> [String] {
        let asked = SQLText.lower(word)
        let parts = Set(asked.split(separator: "_").filter { $0.utf8.count > 2 })
        let ranked = Set(names).compactMap { name -> (rank: Int, name: String)? in
            let known = SQLText.lower(name)
            let letters = distance(asked, known)
            if letters <= max(1, min(asked.utf8.count, known.utf8.count) / 3) { return (letters, name) }
            if asked.utf8.count > 2, known.contains(asked) || asked.contains(known) { return (20 + letters, name) }
            let shared = parts.intersection(known.split(separator: "_")).count
            return shared > 0 ? (60 - 10 * min(shared, 3) + min(letters, 9), name) : nil
        }
        return ranked.sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }.prefix(most).map(\.name)
    }

    /// How a sentence about an unknown name ends: “; did you mean a or b?”, or a full stop where no name is like it.
    package static func question(_ word: String, in names: some Sequence<String>) -> String {
        let near = of(word, in: names)
        return near.isEmpty ? "." : "; did you mean \(near.joined(separator: " or "))?"
    }

    /// The same where there are few names: “; did you mean a?”, or all of them.
    package static func questionOrList(_ word: String, in names: some Sequence<String>) -> String {
        if let near = of(word, in: names, most: 1).first { return "; did you mean \(near)?" }
        let known = Set(names).sorted()
        return known.isEmpty ? "; no figure names one yet" : "; known: \(known.joined(separator: ", "))"
    }

    /// How many letters must be changed, added or left out.
    package static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(diagonal + (left == right ? 0 : 1), above + 1, row[j] + 1)
                diagonal = above
            }
        }
        return row[b.count]
    }
}
