-- no relation is typed twice: keys are the models' own, references follow from the names of ids
{{ relation_rows() }}
