-- the dictionary is not typed twice: it is read from the column descriptions of the marts
{{ catalogue_rows() }}
